"""`medblocks-bff sandbox`: the options for webhooks."""

import pytest
from click.testing import CliRunner

from bff.cli import main


@pytest.mark.parametrize("secret", [[], ["--webhook-secret", " "]])
def test_webhooks_need_a_secret(secret, monkeypatch):
    monkeypatch.delenv("MEDBLOCKS_WEBHOOK_SECRET", raising=False)

    result = CliRunner().invoke(
        main, ["sandbox", "--port", "0", "--webhook-url", "http://x.example", *secret]
    )

    assert result.exit_code == 2
    assert "Events need a signature: set --webhook-secret, too." in result.stderr
