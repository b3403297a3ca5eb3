"""All error messages for browsers' users, in JSON errors and in forms.

The other modules raise codes with values; this module has the text of each code.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Message:
    """A code, and the values of its text's placeholders; `str()` returns the text."""

    code: str
    values: Mapping[str, object] = field(default_factory=dict)

    def text(self, translate: Callable[[str], str] = str) -> str:
        """Return the text, with a function that translates English texts; without it, in English."""
        values = {
            name: value.text(translate) if isinstance(value, Message) else value
            for name, value in self.values.items()
        }
        return translate(TEXTS[self.code]).format(**values)

    def __str__(self) -> str:
        return self.text()


class InvalidValue(ValueError):
    """A value can't be used; `message` has the reason, and does not contain the value."""

    def __init__(self, code: str, **values: object) -> None:
        self.message = Message(code, values)
        super().__init__(str(self.message))


def wait(seconds: int | str) -> Message:
    """Return how many seconds to wait."""
    return Message("wait_second" if int(seconds) == 1 else "wait_seconds", {"seconds": seconds})


TEXTS = {
    # Requests
    "address_not_utf8": "The address of this request has bytes that are not UTF-8. Encode its text as UTF-8.",
    "bad_request": "This request can't be understood.",
    "content_encoding": "Send the body without compression, and without the header Content-Encoding.",
    "cross_site_request": "This request did not come from our own page. Please open the page again.",
    "headers_too_large": "The headers of this request are too large.",
    "idempotency_key_invalid": "Use {min} to {max} random characters as Idempotency-Key, such as a UUID.",
    "idempotency_key_reused": "This Idempotency-Key was used with another body. Use a new one.",
    "internal_error": "Something went wrong on our side. Please try again.",
    "length_required": "Send the body with a Content-Length.",
    "login_unavailable": "Your sign-in can't be checked right now. Please try again shortly.",
    "login_unusable": "You are signed in, but this sign-in can't be used here. Please contact the "
    "organization that sent you to this site.",
    "method_not_allowed": "This address does not answer this method.",
    "misdirected_request": "This site has another address. Please open the address that you were given. If "
    "that does not help, tell the site's operator.",
    "not_at_root": "This app must be served at the root of its origin. Please tell its operator.",
    "not_authenticated": "Please sign in, and try again.",
    "not_found": "There is nothing at this address.",
    "not_implemented": "This transfer encoding is not supported.",
    "overloaded": "The server is busy right now. Please try again in a moment.",
    "payload_too_large": "The request is too large: send at most {kib} KiB.",
    "store_unavailable": "Part of our service is not available right now. Please try again shortly.",
    "too_many_requests": "There were too many requests in a short time. Please wait, and try again.",
    "unsupported_media_type": "Send the body as JSON, with Content-Type: application/json.",
    "uri_too_long": "The address of this request is too long.",
    # Webhooks; a developer reads these
    "event_in_progress": "This event is being handled. Send it again later.",
    "handler_failed": "The handler of this event failed. The log says where. Send it again later.",
    "webhook_event_invalid": "The signature is valid, but the body is not an event (at {path}).",
    "webhook_signature_expired": "The signature's time is more than {seconds} seconds from the time here. "
    "Check the clocks.",
    "webhook_signature_malformed": "The Medblocks-Signature header is not t=<unix seconds>,v1=<hex>.",
    "webhook_signature_mismatch": "The signature does not match. Check the secret, and that nothing changes "
    "the body on its way.",
    "webhook_signature_missing": "There is no Medblocks-Signature header.",
    # Missing resources
    "no_connection": "There is no such connection.",
    "no_facility": "There is no such facility.",
    "no_image": "There is no such image.",
    "no_invitation": "There is no such invitation.",
    "no_patient": "There is no patient with this number.",
    "no_patient_session": "There is no such patient session.",
    "chosen_facility_unknown": "This provider was not found. Please choose another one.",
    # Existing patients
    "patient_id_taken": "This patient number is already in use. Please use another one.",
    "patient_already_created": "This patient was created before, with other details. They stay as they are.",
    "patient_created_differently": "This patient was created before, with other details. Please use the same "
    "details, or another patient number.",
    "form_patient_id_taken": "This number is already in use. If you started on another device, continue "
    "there. Otherwise check the number, or leave it empty.",
    "form_patient_already_created": "Your details are saved already, with some differences. Connecting your "
    "health records updates them.",
    "form_patient_created_differently": "You entered other details in this browser before. Enter the same "
    "name and email address again. Or open this page again without a number.",
    "form_too_many_requests": "There were too many attempts from your network. {wait}",
    "form_too_large": "What you entered is too long. Please shorten it, and send it again.",
    "wait_second": "Try again in one second.",
    "wait_seconds": "Try again in {seconds} seconds.",
    # Medblocks
    "upstream_unavailable": "The health records service is unavailable right now. Please try again in a few "
    "minutes.",
    "upstream_busy": "The health records service is busy. Please try again shortly.",
    "upstream_timeout": "The health records service took too long to answer. Please try again.",
    "upstream_too_large": "The records service finds this request too large.",
    "rejected": "The records service does not accept this request. Please check it.",
    "rejected_connection_id": "The records service does not know this provider. Please choose another one.",
    "rejected_email": "The records service does not accept this email address. Please check it.",
    "rejected_metadata": "The records service does not accept this metadata. Please check it.",
    "rejected_name": "The records service does not accept this name. Please check it.",
    "rejected_patient_id": "The records service does not accept this patient number. Please use another one.",
    "rejected_recommended_connection_ids": "The records service does not know one of these providers.",
    "rejected_return_button_label": "The records service does not accept this return_button_label. "
    "Please check it.",
    "rejected_return_url": "The records service does not accept this return_url. Please check it.",
    "rejected_starting_after": "The records service does not know this cursor. Please search again.",
    # Bodies
    "json_invalid": "The body is not valid JSON (line {line}, column {column}).",
    "json_not_utf8": "The body is not valid JSON: it is not UTF-8.",
    "json_duplicate_key": "The body has the same key twice in one object. Send each key once.",
    "json_constant": "The body contains {name}, which is not JSON.",
    "json_number_too_large": "The body contains a number that is too large.",
    "json_surrogate": "The body contains half of a surrogate pair, which is no character.",
    "json_too_deep": "The body is nested too deeply: use at most {max} levels.",
    "body_not_object": "The body must be a JSON object.",
    "field_unknown": "This field is not known here. Leave it out.",
    "field_twice": "Send either {camel} or {snake}, not both.",
    # Fields
    "patient_id_missing": "Enter a patient number.",
    "patient_id_not_text": "The patient number must be a text.",
    "patient_id_too_long": "This patient number is too long: use at most {max} characters.",
    "patient_id_reserved": "A patient number can't start with {prefixes}.",
    "patient_id_dots": "A patient number must be more than dots.",
    "patient_id_path_syntax": "A patient number can't contain / \\ % ? or #. Please leave them out.",
    "patient_id_control": "A patient number can't contain line breaks or control characters.",
    "patient_id_not_utf8": "A character of this patient number was lost on its way. Send it as UTF-8.",
    "patient_id_invisible": "An invisible character is in this patient number. Please type the number "
    "instead of pasting it.",
    "email_not_text": "The email address must be a text.",
    "email_too_long": "This email address is too long: use at most {max} characters.",
    "email_invalid": "Enter an email address in the correct format, like name@example.com.",
    "email_invisible": "An invisible character is in this email address. Please type it instead of pasting "
    "it.",
    "email_missing": "Enter your email address, or a patient number.",
    "name_missing": "Enter your name, or a patient number.",
    "name_not_text": "The name must be a text.",
    "name_too_long": "This name is too long: use at most {max} characters.",
    "name_control": "A name must not contain line breaks or control characters.",
    "metadata_not_object": "metadata must be an object.",
    "metadata_too_many_keys": "metadata has too many keys: use at most {max}.",
    "metadata_reserved": "Keys of metadata must not start with {prefix}: these are ours.",
    "metadata_too_large": "metadata is too large: use at most {kib} KiB.",
    "return_url_not_text": "The return_url must be a text.",
    "return_url_invalid": "This return_url can't be used. {reason}",
    "return_url_not_allowed": "This return_url is not one that this site allows.",
    "return_button_label_not_text": "The return_button_label must be a text.",
    "return_button_label_too_long": "This label is too long: use at most {max} characters.",
    "return_button_label_control": "A label must not contain line breaks or control characters.",
    "connection_id_not_text": "The connection_id must be a text.",
    "facility_id_not_text": "A facility's id must be a text.",
    "facility_id_invalid": "A facility's id starts with fhirsrc_: take it from the catalog.",
    "facility_not_chosen": "Choose a provider from the list.",
    "facilities_not_list": "recommended_connection_ids must be a list.",
    "facilities_count": "Name 1 to {max} facilities.",
    "facility_and_recommended": "Send connection_id or recommended_connection_ids, not both.",
    "hydrate_invalid": "hydrate must be true or false.",
    "facility_type_too_long": "A type of facility has at most {max} characters.",
    "search_too_long": "Search for at most {max} characters.",
    "cursor_invalid": "This is not a cursor.",
    "state_control": "A state must not contain line breaks or control characters.",
    "state_too_long": "This state is too long: use at most {max:,} characters, as the address encodes them.",
    "link_parameter_twice": "This link has {name} twice. Send it once.",
    "form_not_utf8": "This form has bytes that are not UTF-8. Please open the page again, and enter the text "
    "there.",
    "form_outdated": "This page was open for too long. Please try again. If you see this once more, allow "
    "cookies for this site.",
    "action_unknown": "Choose one of the form's buttons.",
    # URLs
    "url_characters": "Write it in plain ASCII, without spaces, quotes or backslashes.",
    "url_host_and_port": "Check its host and port.",
    "url_scheme": "Start it with https:// or http://.",
    "url_no_host": "Name a host in it.",
    "url_credentials": "Leave user names and passwords out of it.",
    "url_host": "Check its host: a name of letters, digits, hyphens and dots, or an IP address (IPv6 in "
    "brackets).",
}
