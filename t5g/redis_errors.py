"""What an error of Redis means, in one sentence: the same words wherever Redis is asked.

Redis begins each refusal with a word of its own (`OOM`, `READONLY`, `NOPERM` …); the client turns
some of them into classes and takes the word off their text.
"""

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)

NO_ANSWER = "Redis does not answer"
#: By the class of the client, the special before the general.
_CLASSES: tuple[tuple[type[Exception], str], ...] = (
    (OutOfMemoryError, "Redis is full (maxmemory): it takes no writes"),
    (ReadOnlyError, "Redis is a replica here: it takes no writes"),
    (NoPermissionError, "Redis forbids this user a command or key that is needed (its ACL)"),
    (AuthenticationError, "Redis refuses the user or password of T5G_REDIS_URL"),
    (AuthorizationError, "Redis refuses the user or password of T5G_REDIS_URL"),
    (BusyLoadingError, "Redis is still loading its data"),
    (ClusterDownError, "Redis has no master that answers"),
)
#: By the word that begins the refusal; a script's refusal holds it further in.
_WORDS = {
    "OOM": _CLASSES[0][1],
    "READONLY": _CLASSES[1][1],
    "NOPERM": _CLASSES[2][1],
    "WRONGTYPE": "A key of ours in Redis holds something else: does another program use this "
    "T5G_REDIS_PREFIX?",
    "MISCONF": "Redis can not save to its disk, and so takes no writes",
    "NOREPLICAS": "Redis has too few replicas that answer, and so takes no writes",
    "BUSY": "Redis is busy with a script",
    "CROSSSLOT": "Redis is a cluster, which needs a prefix in braces, such as {t5g}:",
}


def what_redis_did(error: BaseException) -> str:
    """Return what Redis did, without a full stop: no answer at all, or which refusal."""
    for kind, sentence in _CLASSES:
        # What the client is refused while it connects it raises as the cause of another error.
        if isinstance(error, kind) or isinstance(error.__cause__, kind):
            return sentence
    if not isinstance(error, ResponseError):
        return NO_ANSWER
    # Redis 6 writes the word of a script's refusal with a hyphen before it.
    words = [word.strip("-:") for word in str(error).split()]
    return next((_WORDS[word] for word in words if word in _WORDS), "Redis refuses a command")
