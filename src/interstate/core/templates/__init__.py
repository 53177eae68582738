"""CloudFormation and SAM templates, as values: read, resolve, order, compare.

A template's text becomes a ``Template`` (``reader``, ``document``); parameters and conditions decide what of it is active
(``parameters``, ``conditions``, ``active``); references order it (``references``, ``graph``); the difference to what
stands gives ordered changes (``plan``); functions are resolved against what has been made so far (``intrinsics``).
"""
