"""The app and ``--once`` show the same numbers: they drive the same Monitor."""

import json
import os
import shutil
from pathlib import Path

import pytest

from ccmon import format as fmt
from ccmon.cli import main
from ccmon.monitor import Monitor, Scope
from ccmon.report.document import document
from ccmon.settings import Settings
from ccmon.transcripts.locate import config_homes
from ccmon.tui.app import CcmonApp
from tests.homes import CORPUS
from tests.tui.stage import screen_lines, settled

FOLDERS = ["basic", "errors", "resume", "subagents", "tui", "parallel", "synthetic/unknown_model"]
DEPENDS_ON_NOW = ("generated_at",)


@pytest.mark.parametrize("name", FOLDERS)
async def test_every_number_is_the_same(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(CORPUS / name / "projects", tmp_path / "config" / "projects")
    for path in (tmp_path / "config").rglob("*.jsonl"):
        os.utime(path)
    arguments = ["--config-dir", str(tmp_path / "config")]
    assert main([*arguments, "--once", "--all", "--json", "--requests"]) == 0
    printed = json.loads(capsys.readouterr().out)

    settings = Settings()
    homes = config_homes([str(tmp_path / "config")], {}, tmp_path)
    app = CcmonApp(lambda: Monitor(homes, settings, Scope(live=True)), settings)
    async with app.run_test(size=(160, 45)) as pilot:
        while app.snapshot is None or app.snapshot.progress.loading or not app.snapshot.sessions:
            await pilot.pause(0.01)
        await settled(app, pilot)
        shown = json.loads(
            json.dumps(document(app.snapshot, requests=True, now=app.snapshot.generated_at))
        )
        text = "\n".join(screen_lines(app))
        session = app.session
    for each in (printed, shown):
        for key in DEPENDS_ON_NOW:
            each.pop(key)
    for session_shown, session_printed in zip(shown["sessions"], printed["sessions"], strict=True):
        assert session_shown == session_printed
    assert shown == printed

    assert session is not None
    assert session.context is None or fmt.tokens(session.context.tokens) in text
    assert fmt.money(session.cost, lower_bound=session.cost_is_lower_bound) in text
