"""Errors of the Hugging Face Hub and of the network, each as one message with the way out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sftdata.errors import SftdataError

_AGAIN = "Run the same command again: what has arrived is not sent again."


@contextmanager
def explain_hub_errors(name: str, kind: str, endpoint: str) -> Iterator[None]:
    """Turns errors of huggingface_hub about `name` into `SftdataError`."""
    try:
        yield
    except SftdataError:
        raise
    except Exception as error:  # huggingface_hub raises a dozen kinds, also of its HTTP library
        if isinstance(error, OSError) and error.filename is not None:  # a file of this machine
            raise
        message, way_out = _explain(error, name, kind, endpoint)
        raise SftdataError(message, way_out, code="E906") from error


def _explain(error: Exception, name: str, kind: str, endpoint: str) -> tuple[str, str]:
    """The error with its hint."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    chain = list(_causes(error))
    if any(isinstance(one, OfflineModeIsEnabled) for one in chain):
        return (
            f"{endpoint} is not asked: HF_HUB_OFFLINE is set.",
            "Unset it: env -u HF_HUB_OFFLINE …",
        )
    answered = next((one for one in chain if isinstance(one, HfHubHTTPError)), None)
    if answered is not None:
        said = (answered.server_message or str(answered).split("\n")[0]).strip()
        return _explain_status(answered.response.status_code, said, name, kind, endpoint)
    # HfHubHTTPError is a kind of the HTTP library's own error, so its base is that of all.
    failures = (*HfHubHTTPError.__bases__, OSError)
    failed = next((one for one in chain if isinstance(one, failures)), None)
    if failed is not None:
        reason = (str(failed) or type(failed).__name__).rstrip(".")
        return (
            f"{endpoint} cannot be reached, or the connection broke: {reason}.",
            f"Check the network and HF_ENDPOINT. {_AGAIN}",
        )
    said = ": ".join(dict.fromkeys(f"{type(one).__name__}: {one}" for one in (error, chain[-1])))
    return f"{name} cannot be pushed: {said}", _AGAIN


def _explain_status(status: int, said: str, name: str, kind: str, endpoint: str) -> tuple[str, str]:
    from huggingface_hub import get_token

    user = name.partition("/")[0]
    if status == 401:
        return (
            f"{endpoint} {'does not accept your token' if get_token() else 'asks for a token'} "
            "(401).",
            "Log in with a token that may write: hf auth login. Or set HF_TOKEN.",
        )
    if status == 403:
        return (
            f"Your token may not write to the {kind} {name} (403): {said}",
            f"Use a token that may write to repositories of '{user}', or push to your own name.",
        )
    if status == 404:
        return (
            f"{endpoint} has no {kind} {name}, and none could be made (404).",
            "Check the name, and HF_ENDPOINT if you have set it.",
        )
    if status in (409, 412):
        return (
            f"{name} was changed by somebody else during this push ({status}): {said}",
            _AGAIN,
        )
    return f"{endpoint} refused the push of {name} ({status}): {said}", _AGAIN


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and those that led to it."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
