"""Writes credentials as google-github-actions/auth does, by which Google's libraries exchange the job's own token."""

import json
import os
from pathlib import Path
from urllib.parse import quote

provider, account = os.environ["PROVIDER"], os.environ["ACCOUNT"]
cloud = os.environ["LOCAL_CLOUD"]
audience = quote(f"https://iam.googleapis.com/{provider}", safe="")
credentials = {
    "type": "external_account",
    "audience": f"//iam.googleapis.com/{provider}",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    "token_url": f"{cloud}/sts.googleapis.com/v1/token",
    "service_account_impersonation_url": f"{cloud}/iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
    f"{account}:generateAccessToken",
    "credential_source": {
        "url": f"{os.environ['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={audience}",
        "headers": {"Authorization": f"Bearer {os.environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
        "format": {"type": "json", "subject_token_field_name": "value"},
    },
}
file = Path(os.environ["GITHUB_WORKSPACE"], f"gha-creds-{os.urandom(8).hex()}.json")
file.write_text(json.dumps(credentials), encoding="utf-8")
print(f"GOOGLE_CLOUD_PROJECT={account.partition('@')[2].partition('.')[0]}")
print(f"GOOGLE_APPLICATION_CREDENTIALS={file}")
