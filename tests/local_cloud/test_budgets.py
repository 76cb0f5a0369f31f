"""Budgets by Google's client: what is refused, and to whom they tell."""

from __future__ import annotations

from typing import Any

import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.errors import HttpError

from .call import Project
from .conftest import PROJECT, Served
from .store import Json

_ACCOUNT = f"billingAccounts/{Project.billing_account}"


def _budgets(cloud: Served, quota_project: str | None = Project.id) -> Any:
    credentials = Credentials("fake", quota_project_id=quota_project)
    return cloud.client("billingbudgets", "v1", credentials).billingAccounts().budgets()


def _budget(**changes: Any) -> Json:
    return {
        "displayName": "month",
        "amount": {"specifiedAmount": {"units": "30"}},
        "budgetFilter": {"projects": [f"projects/{Project.number}"]},
        "thresholdRules": [{"thresholdPercent": 0.5}],
        **changes,
    }


_YEAR = {"startDate": {"year": 2026, "month": 1, "day": 1}}
_FORECAST = {"thresholdPercent": 1, "spendBasis": "FORECASTED_SPEND"}
_CHANNELS = [f"{PROJECT}/notificationChannels/{n}" for n in range(6)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"budgetFilter": {"projects": [PROJECT]}}, "Request contains an invalid argument"),
        ({"amount": {"specifiedAmount": {"units": "30", "currencyCode": "JPY"}}}, "the billing account's"),
        ({"amount": {}}, "Required field 'amount'"),
        ({"notificationsRule": {"monitoringNotificationChannels": _CHANNELS, "schemaVersion": "1.0"}}, "At most 5"),
        ({"notificationsRule": {"pubsubTopic": f"{PROJECT}/topics/none", "schemaVersion": "1.0"}}, "does not exist"),
        ({"amount": {"specifiedAmount": {"units": "-1"}}}, "must not be negative"),
        ({"thresholdRules": [{"thresholdPercent": -1}]}, "must not be negative"),
        ({"thresholdRules": [_FORECAST], "budgetFilter": {"customPeriod": _YEAR}}, "only for a calendar period"),
        ({"amount": {"lastPeriodAmount": {}}, "budgetFilter": {"customPeriod": _YEAR}}, "only for a calendar period"),
        ({"budgetFilter": {"calendarPeriod": "YEAR", "customPeriod": _YEAR}}, "at most one of"),
        ({"budgetFilter": {"creditTypes": ["PROMOTION"]}}, "only with INCLUDE_SPECIFIED_CREDITS"),
        ({"displayName": "x" * 61}, "At most 60 characters"),
    ],
)
def test_budget_refused(cloud: Served, changes: Json, words: str) -> None:
    budgets = _budgets(cloud)
    with pytest.raises(HttpError, match=words) as refused:
        budgets.create(parent=_ACCOUNT, body=_budget(**changes)).execute()
    assert refused.value.status_code == 400


def test_budget(cloud: Served) -> None:
    budgets = _budgets(cloud)
    made = budgets.create(parent=_ACCOUNT, body=_budget()).execute()
    assert made["amount"]["specifiedAmount"]["currencyCode"] == "USD"
    changed = budgets.patch(name=made["name"], updateMask="amount.specifiedAmount.units", body={}).execute()
    with pytest.raises(HttpError) as stale:
        budgets.patch(name=made["name"], body={"etag": made["etag"]}).execute()
    assert (stale.value.status_code, changed["displayName"]) == (409, "month")
    budgets.delete(name=made["name"]).execute()


def test_budget_without_a_quota_project(cloud: Served) -> None:
    with pytest.raises(HttpError, match=r"billingbudgets.googleapis.com API requires a quota project") as refused:
        _budgets(cloud, None).create(parent=_ACCOUNT, body=_budget()).execute()
    assert refused.value.status_code == 403
    assert refused.value.error_details[0]["reason"] == "SERVICE_DISABLED"


def test_channels_of_a_budget_are_by_mail(cloud: Served) -> None:
    channels = cloud.client("monitoring", "v3").projects().notificationChannels()
    mail = {"type": "email", "labels": {"email_address": "budget@example.com"}}
    told, short = (
        channels.create(name=PROJECT, body=body).execute()["name"]
        for body in (mail, {"type": "sms", "labels": {"number": "+1"}})
    )
    budgets = _budgets(cloud)
    rule = {"monitoringNotificationChannels": [told, short]}
    with pytest.raises(HttpError, match="is not one of type email"):
        budgets.create(parent=_ACCOUNT, body=_budget(notificationsRule=rule)).execute()
    rule = {"monitoringNotificationChannels": [told]}
    made = budgets.create(parent=_ACCOUNT, body=_budget(notificationsRule=rule)).execute()
    budgets.delete(name=made["name"]).execute()
    for channel in (told, short):
        channels.delete(name=channel).execute()
