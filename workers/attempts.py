"""Whether RQ repeats the job that runs now, if it fails."""


def last_attempt() -> bool:
    """Say whether RQ will not repeat the job that runs now."""
    from rq import get_current_job

    job = get_current_job()
    return job is None or not job.retries_left
