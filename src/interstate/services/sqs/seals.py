"""Messages that are signed when they are read: notifications of SNS.

A signature costs more than all else of a publish, and is a pure function of the document and the instance's key. So a
notification is written with its signature's place left open, and a *seal* that says so; whoever takes the message, or looks
at it, gets the document with its signature in it, and a message that was taken once is stored signed. Its size is known from
the beginning: signatures of one key are equally long.
"""

import msgspec

from interstate.core.queues.message import Message, md5_of_body
from interstate.services.signing import filled
from interstate.store.ports import Work


def completed(message: Message, work: Work) -> Message:
    """The message as it is read. Every reader of a body goes through here."""
    if not message.seal:
        return message
    body = filled(message.body, message.seal, work)
    return msgspec.structs.replace(message, body=body, body_md5=md5_of_body(body.encode()), seal="")
