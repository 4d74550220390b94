"""Pure: whether the function's own configuration allows a release, or would make AWS refuse a later step.

Sources: AWS Lambda developer guide, "Securing environment variables", "Configuring provisioned concurrency for a
function", "Implementing Lambda canary deployments using a weighted alias".
"""

from deployer.inspection.compatibility.candidate import Candidate
from deployer.model.manifest import NAME


def check(candidate: Candidate) -> None:
    """Refuse a function whose variables, alias or next version would make a later step fail."""
    function = candidate.function
    if function.environment_error:
        candidate.refuse(
            "the function's environment",
            f"variables that cannot be read: {function.environment_error}",
            "variables that the deployer may read: it writes them back with its own",
            "allow the controller's and the rollout's roles to use the function's KmsKeyArn (kms:Decrypt, kms:Encrypt,"
            " kms:CreateGrant), or remove it",
        )
    if function.alias_has_concurrency:
        candidate.refuse(
            "the function's alias",
            "provisioned concurrency of its own, with which Lambda moves traffic by itself",
            "an alias whose traffic the deployer moves",
            f"remove it from the alias, and set [resources] provisioned-concurrency in {NAME}",
        )
    for what in function.differs if candidate.manifest.rollout.plan() else ():
        candidate.refuse(
            f"the function's {what}",
            "not the one of the version that has the traffic",
            "the same one for both versions while they share the traffic",
            f'release once with strategy = "all-at-once" in {NAME}, or change it back in the stack',
        )
