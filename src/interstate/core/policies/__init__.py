"""Resource policies: who may do what to a resource. ``compiled(text)`` reads one, ``decide`` asks it."""

from interstate.core.policies.decide import Access, Verdict, decide
from interstate.core.policies.document import Policy, PolicyFault, compiled

__all__ = ["Access", "Policy", "PolicyFault", "Verdict", "compiled", "decide"]
