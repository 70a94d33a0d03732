import strawberry

from schema.cancellation import CancellationMutations
from schema.complaint import ComplaintMutations
from schema.dispute import DisputeMutations
from schema.feedback import FeedbackMutations
from schema.record import RecordMutations
from schema.upload import UploadMutations


@strawberry.type(
    description="Writing. A refusal is data: userErrors says why, and then nothing was done. Several mutations in one "
    "request are done one after the other, each for itself."
)
class Mutation(
    FeedbackMutations, CancellationMutations, DisputeMutations, ComplaintMutations, UploadMutations, RecordMutations
):
    pass
