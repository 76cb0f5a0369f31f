"""What proves each command of the documents: a test that runs it or the program behind it, or the reason why none can.

A pattern is a regular expression for a whole command. A command that no pattern fits fails the tests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Lack:
    """What no test has, and the words in which a page tells its readers so."""

    page: str
    words: str
    patterns: tuple[str, ...]


TESTS = {
    "tests/documents/test_commands.py::test_a_clone_has_its_commands": (
        r"git clone <address of this repository> kikitori",
    ),
    "tests/test_make_run.py::test_it_serves_both_and_one_ctrl_c_ends_both": (r"make (-C kikitori )?run",),
    "tests/test_make_run.py::test_the_toy_hears_digits": (
        r"make run ENGINE=qwen2-audio MODEL=service/tests/tiny-qwen2-audio",
    ),
    "service/tests/qwen2_audio/test_quantized_model.py::test_the_setting_of_a_service": (
        r"make run ENGINE=qwen2-audio MODEL=/models/\S+",
    ),
    "service/tests/qwen2_audio/test_quantized_model.py::test_a_stored_copy_is_what_is_made_on_loading": (
        r"make quantize MODEL=\S+ TO=int4 TARGET=\S+",
    ),
    "tests/test_transcribe.py::test_subtitles_and_a_file_that_is_damaged": (
        r"make transcribe FOLDER=recordings FORMAT=srt",
    ),
    "tests/tunnel/test_tunnel.py::test_the_first_run_as_a_person_types_it": (
        r"make tunnel MACHINE=gpu-box ENGINE=\S+ MODEL=\S+",
    ),
    "tests/tunnel/test_tunnel.py::test_it_is_found_and_stopped_from_elsewhere": (
        r"make tunnel MACHINE=gpu-box ACTION=(status|stop)",
    ),
    "tests/container/test_service.py::test_it_hears_what_is_said": (
        r"make image",
        r"docker build --build-arg ENGINE=whisper service",
    ),
    "tests/container/test_qwen2_audio.py::test_it_hears_what_is_said": (r"make image-cuda",),
    "tests/container/test_make_image_run.py::test_it_serves_until_ctrl_c": (r"make image-run.*",),
    "tests/cloud/test_make_cloud.py::test_it_deploys_serves_and_says_what_was_billed": (r"make cloud( RATE=60)?",),
    "tests/documents/test_commands.py::test_the_local_cloud_answers": (
        r"make cloud-api",
        r"curl .*http://127\.0\.0\.1:8085/.*",
    ),
    "tests/cost/test_estimate.py::test_a_described_traffic_is_estimated_beside_all_alternatives": (
        r"make cost-estimate (TRAFFIC|REFRESH)=.*",
    ),
    "tests/cost/test_measure.py::test_days_are_told_beside_what_was_expected_and_billed": (r"make cost-measure .*",),
    "tests/cost/test_estimate.py::test_a_log_is_estimated_as_data": (r"make cost-estimate LOG=.*",),
    "tests/test_weights.py::test_a_model_comes_whole_and_once": (r"make weights BUCKET=\S+ TO=int8( DRY_RUN=1)?",),
    "tests/keys/test_keys.py::test_make_passes_the_key_alone": (r"KEY=\$\(make --silent keys PROJECT=.*",),
    "tests/keys/test_keys.py::test_a_key_from_its_making_to_its_end": (r"make keys PROJECT=\$PROJECT( .*)?",),
    "tests/test_loadtest.py::test_nothing_is_sent_in_a_dry_run": (
        r"make loadtest SERVICE=\S+ TRAFFIC=event DRY_RUN=1",
    ),
    "tests/test_loadtest.py::test_all_are_answered_by_the_real_service": (
        r"KIKITORI_API_KEY=\$KEY make loadtest SERVICE=\S+ TRAFFIC=\w+ TIMES=\d+ MINUTES=\d+",
    ),
    "tests/test_preflight.py::test_a_project_that_is_ready_needs_no_mending": (r"make preflight .*",),
    "tests/pipeline/test_scan.py::test_nothing_critical_with_a_fix": (r"make scan IMAGE=\$DIGEST",),
    "tests/pipeline/test_deploy.py::test_from_a_commit_to_a_deployment_and_back": (
        r"DIGEST=\$\(make push .*",
        r"(KIKITORI_API_KEY=\$KEY )?make (deploy|plan|rollback) .*",
    ),
    "tests/local_cloud/test_terraform.py::test_bootstrap_is_completed_after_a_fault_at_each_step": (
        r"cd terraform/bootstrap && terraform init && terraform apply",
    ),
    "tests/documents/test_operations.py::test_terraform_from_the_first_apply_to_the_last_destroy": (
        r"export .*|BUCKET=.*",
        r"cp terraform/.*",
        r"rm terraform/.*",
        r"terraform .*",
    ),
}

LACKS = (
    Lack("docs/cost.md", "no test runs it", (r"make open-page.*",)),
    Lack("docs/operations.md", "Not tried: Google itself", (r"gcloud .*",)),
    Lack("docs/operations.md", "Not tried: GitHub itself", (r"gh .*", r"(for name in|echo) .* gh .*")),
    Lack("docs/architecture.md", "Not tested here: the 7B weights", (r"make run ENGINE=qwen2-audio",)),
)


def proof(command: str) -> str | Lack | None:
    """The test that runs a command, or what is lacking for one; None where nobody has thought of it."""
    proofs: list[tuple[str | Lack, tuple[str, ...]]] = [*TESTS.items(), *((lack, lack.patterns) for lack in LACKS)]
    return next((by for by, patterns in proofs for one in patterns if re.fullmatch(one, command)), None)
