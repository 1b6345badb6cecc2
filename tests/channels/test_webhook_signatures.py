"""Signatures of webhooks and of the widget's sessions."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from bot.channels.signatures import refuse_webhook, session_in, session_token, sign_webhook, webhook_key

# The vector of the Standard Webhooks project's own libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = webhook_key(SECRET)
OTHER = webhook_key("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
HEADERS = {"webhook-id": ID, "webhook-timestamp": "1614265330", "webhook-signature": SIGNATURE}


def test_signs_as_the_published_vector() -> None:
    assert sign_webhook(KEY, ID, AT, BODY) == HEADERS


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="vector"),
        pytest.param({"webhook-signature": f"v1,AAAA {SIGNATURE}"}, id="second of two signatures"),
        pytest.param({"webhook-signature": f"v1a,nonsense {SIGNATURE}"}, id="beside an asymmetric one"),
    ],
)
def test_believes(headers: Mapping[str, str]) -> None:
    assert refuse_webhook([OTHER, KEY], {**HEADERS, **headers}, BODY, AT) is None


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        pytest.param({"webhook-id": ""}, "headers", id="no id"),
        pytest.param({"webhook-id": "x" * 257}, "headers", id="endless id"),
        pytest.param({"webhook-id": "msg_other"}, "signature", id="id of another message"),
        pytest.param({"webhook-timestamp": "1614265331"}, "signature", id="time of another message"),
        pytest.param({"webhook-timestamp": "nan"}, "headers", id="time is no number"),
        pytest.param({"webhook-timestamp": "-1"}, "headers", id="time before 1970"),
        pytest.param({"webhook-timestamp": "٣"}, "headers", id="time in other digits"),
        pytest.param({"webhook-timestamp": "9" * 400}, "headers", id="time of 400 digits"),
        pytest.param({"webhook-signature": ""}, "headers", id="no signature"),
        pytest.param({"webhook-signature": "nonsense"}, "signature", id="no version"),
        pytest.param({"webhook-signature": "v1,###"}, "signature", id="no base64"),
        pytest.param({"webhook-signature": SIGNATURE.replace("v1,", "v2,")}, "signature", id="another version"),
        pytest.param({"webhook-signature": "v1,\udcff"}, "signature", id="stray bytes"),
        pytest.param({"webhook-id": "\udcff"}, "signature", id="stray bytes in the id"),
    ],
)
def test_refuses_header(headers: Mapping[str, str], why: str) -> None:
    assert refuse_webhook([KEY], {**HEADERS, **headers}, BODY, AT) == why


def test_refuses_other_body_and_other_key() -> None:
    assert refuse_webhook([KEY], HEADERS, BODY + b" ", AT) == "signature"
    assert refuse_webhook([OTHER], HEADERS, BODY, AT) == "signature"
    assert refuse_webhook([], HEADERS, BODY, AT) == "signature"


@pytest.mark.parametrize(
    ("seconds", "refused"),
    [(-301, "timestamp"), (-300, None), (300, None), (301, "timestamp")],
)
def test_tolerates_five_minutes_either_way(seconds: int, refused: str | None) -> None:
    assert refuse_webhook([KEY], HEADERS, BODY, AT + timedelta(seconds=seconds)) == refused


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_***", "whsec_ü", "whsec_MfKQ9r8GKYqrTwjU P"])
def test_refuses_secret(secret: str) -> None:
    with pytest.raises(ValueError, match=r"base64|ASCII|padding|Base64"):
        webhook_key(secret)


def test_secret_may_stand_without_prefix_and_padding() -> None:
    assert webhook_key("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") == KEY


def test_session_is_known_again() -> None:
    assert session_in("secret", session_token("secret", "abc")) == "abc"


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param("abc", id="no digest"),
        pytest.param("abc.", id="empty digest"),
        pytest.param(session_token("secret", "abd").replace("abd", "abc"), id="another's digest"),
        pytest.param(session_token("other", "abc"), id="another secret"),
        pytest.param(session_token("secret", ""), id="no session"),
        pytest.param("abc.\udcff", id="stray bytes"),
        pytest.param(session_token("secret", "abc") + ".x", id="more after it"),
    ],
)
def test_forged_session_is_unknown(token: str) -> None:
    assert session_in("secret", token) is None
