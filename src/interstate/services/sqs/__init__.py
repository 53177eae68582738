"""SQS: standard and FIFO queues.

Source: botocore's model sqs/2012-11-05; SQS API Reference.
"""

from interstate.services.operation import Operation, Service, Step
from interstate.services.sqs import batches, fifo, messages, moves, peek, permissions, queues, receive, tags, upkeep

SERVICE = Service(
    "sqs",
    operations=(
        Operation("AddPermission", permissions.AddPermission, permissions.add_permission),
        Operation("CancelMessageMoveTask", moves.CancelMove, moves.cancel_message_move_task),
        Operation("ChangeMessageVisibility", messages.ChangeMessageVisibility, messages.change_message_visibility,
                  keys=messages.keys_of_receipt),
        Operation("ChangeMessageVisibilityBatch", batches.ChangeBatch, batches.change_message_visibility_batch,
                  keys=batches.keys_of_handle_batch),
        Operation("CreateQueue", queues.CreateQueue, queues.create_queue),
        Operation("DeleteMessage", messages.DeleteMessage, messages.delete_message, keys=messages.keys_of_receipt),
        Operation("DeleteMessageBatch", batches.DeleteBatch, batches.delete_message_batch,
                  keys=batches.keys_of_handle_batch),
        Operation("DeleteQueue", queues.QueueRequest, queues.delete_queue),
        Operation("GetQueueAttributes", queues.GetQueueAttributes, queues.get_queue_attributes, reads=True),
        Operation("GetQueueUrl", queues.GetQueueUrl, queues.get_queue_url, reads=True),
        Operation("ListDeadLetterSourceQueues", queues.ListSources, queues.list_dead_letter_source_queues, reads=True),
        Operation("ListMessageMoveTasks", moves.ListMoves, moves.list_message_move_tasks, reads=True),
        Operation("ListQueueTags", queues.QueueRequest, tags.list_queue_tags, reads=True),
        Operation("ListQueues", queues.ListQueues, queues.list_queues, reads=True),
        Operation("PurgeQueue", queues.QueueRequest, queues.purge_queue),
        Operation("ReceiveMessage", receive.ReceiveMessage, receive.receive_message, keys=receive.keys_of_receive),
        Operation("RemovePermission", permissions.RemovePermission, permissions.remove_permission),
        Operation("SendMessage", messages.SendMessage, messages.send_message, keys=messages.keys_of_send),
        Operation("SendMessageBatch", batches.SendBatch, batches.send_message_batch, keys=batches.keys_of_send_batch),
        Operation("SetQueueAttributes", queues.SetQueueAttributes, queues.set_queue_attributes),
        Operation("StartMessageMoveTask", moves.StartMove, moves.start_message_move_task),
        Operation("TagQueue", tags.TagQueue, tags.tag_queue),
        Operation("UntagQueue", tags.UntagQueue, tags.untag_queue),
    ),
    steps=(
        Step("sqs.sweep", upkeep.Sweep, upkeep.sweep, pulls=False),
        Step("sqs.drop", upkeep.Drop, upkeep.drop),
        Step("sqs.release-name", upkeep.ReleaseName, upkeep.release_name, pulls=False),
        Step("sqs.forget", fifo.Forget, fifo.forget, pulls=False),
        Step("sqs.move", moves.Move, moves.move),
    ),
)  # fmt: skip
SERVICES = (SERVICE, peek.SERVICE)
