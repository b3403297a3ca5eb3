"""What the command line says of the settings, and of the demo."""

from bff.config import Settings
from bff.sandbox.fault_profiles import PROFILES


def posture(settings: Settings) -> str:
    """Say who reaches which patient under the settings."""
    who = {
        "owner": "a browser reaches the patients that it created",
        "jwt": "the token of your login names the patient",
        "header": f"your proxy names the patient in {settings.header_name}",
        "invite": "a browser reaches the patients that it was invited for",
    }[settings.identity]
    if settings.reports:
        return f"Access: report. {who.capitalize()}, but everyone else is let in too, and only reported."
    return f"Access: enforce. {who.capitalize()}, and nobody else's."


def faults_text(name: str, sandbox_address: str) -> str:
    """Say how the pretend Medblocks fails under a profile, and how to change that."""
    profile = PROFILES[name]
    change = (
        "Start the demo anew to change that."
        if profile.over_https
        else f"Change them: {sandbox_address}/_faults"
    )
    return f"Faults: {name}. {profile.description} {change}"


def demo_text(address: str, sandbox_address: str) -> str:
    """Say where the demo is, and what to try."""
    curl = "curl -s -b cookies.txt -c cookies.txt"
    body = """'{"patientId": "user_42", "email": "asha@example.com", "name": "Asha Example"}'"""
    return f"""
  The BFF, with the intake page:  {address}
  The pretend Medblocks:          {sandbox_address}

Nothing leaves this machine: no key is used, and no request goes anywhere else.
Try the page, or these, as one browser whose cookie is kept in cookies.txt:

  {curl} {address}/api/patients -H 'Content-Type: application/json' -d {body}
  {curl} {address}/api/patients/user_42
  {curl} {address}/api/patient-sessions -H 'Content-Type: application/json' -d '{{"patientId": "user_42"}}'

Ctrl-C stops both.
"""
