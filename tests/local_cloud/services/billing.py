"""Billing: the project's account, and budgets (https://cloud.google.com/billing/docs/how-to/budget-api-filter-cost)."""

from __future__ import annotations

import re
import uuid

from tests.local_cloud.call import Call
from tests.local_cloud.errors import GoogleError, bad_field, invalid
from tests.local_cloud.masks import value_at
from tests.local_cloud.resources import Change, Collection
from tests.local_cloud.store import Json

_MOST_CHANNELS = 5
_LONGEST_NAME = 60


def _billing_info(call: Call) -> Json:
    project = call.cloud.project
    return {
        "name": f"projects/{project.id}/billingInfo",
        "projectId": project.id,
        "billingAccountName": f"billingAccounts/{project.billing_account}",
        "billingEnabled": True,
    }


def _own_account(change: Change) -> None:
    account = change.call.part("billingAccounts")
    if account != change.call.cloud.project.billing_account:
        raise GoogleError("PERMISSION_DENIED", f"The caller does not have permission on billing account {account}.")


def _check(change: Change) -> None:
    _own_account(change)
    body, project = change.body, change.call.cloud.project
    for name in value_at(body, "budgetFilter.projects") or []:
        # The API's own words tell no more than this.
        if name != f"projects/{project.number}":
            raise invalid("Request contains an invalid argument.")
    amount = body.get("amount", {})
    if len([kind for kind in ("specifiedAmount", "lastPeriodAmount") if kind in amount]) != 1:
        raise bad_field("budget.amount", "Exactly one of specifiedAmount and lastPeriodAmount is needed")
    if int(value_at(amount, "specifiedAmount.units") or 0) < 0:
        raise bad_field("budget.amount.specified_amount", "must not be negative")
    currency = value_at(amount, "specifiedAmount.currencyCode")
    if currency and currency != project.currency:
        raise invalid(f"The budget's currency {currency} is not {project.currency}, the billing account's.")
    for rule in body.get("thresholdRules", []):
        if not rule.get("thresholdPercent", 0) >= 0:
            raise bad_field("budget.threshold_rules", "thresholdPercent must not be negative")
    _check_period(body)
    if len(body.get("displayName", "")) > _LONGEST_NAME:
        raise bad_field("budget.display_name", f"At most {_LONGEST_NAME} characters are allowed")
    _check_notifications(change, body.get("notificationsRule", {}))


def _check_period(body: Json) -> None:
    """What Google's reference says of each field of a filter."""
    spent = body.get("budgetFilter", {})
    custom = "customPeriod" in spent
    if custom and "calendarPeriod" in spent:
        raise bad_field("budget.budget_filter", "Has at most one of calendarPeriod and customPeriod")
    if custom and "lastPeriodAmount" in body["amount"]:
        raise bad_field("budget.amount.last_period_amount", "is only for a calendar period")
    if custom and any(rule.get("spendBasis") == "FORECASTED_SPEND" for rule in body.get("thresholdRules", [])):
        raise bad_field("budget.threshold_rules.spend_basis", "FORECASTED_SPEND is only for a calendar period")
    specified = spent.get("creditTypesTreatment") == "INCLUDE_SPECIFIED_CREDITS"
    if specified != bool(spent.get("creditTypes")):
        raise bad_field("budget.budget_filter.credit_types", "are given only with INCLUDE_SPECIFIED_CREDITS, and then")


def _check_notifications(change: Change, rule: Json) -> None:
    call = change.call
    channels = rule.get("monitoringNotificationChannels", [])
    if len(channels) > _MOST_CHANNELS:
        raise bad_field("budget.notifications_rule", f"At most {_MOST_CHANNELS} notification channels are allowed")
    for channel in channels:
        found = call.store.get(f"monitoring.googleapis.com/{call.cloud.by_id(channel)}")
        if found is None:
            raise bad_field("budget.notifications_rule", f"Notification channel {channel} does not exist")
        if found.body.get("type") != "email":
            raise bad_field("budget.notifications_rule", f"Notification channel {channel} is not one of type email")
    topic = rule.get("pubsubTopic")
    if topic:
        if not re.fullmatch(r"projects/[^/]+/topics/[^/]+", topic):
            raise bad_field("budget.notifications_rule.pubsub_topic", "must be projects/{project}/topics/{topic}")
        if call.store.get(f"pubsub.googleapis.com/{call.cloud.by_id(topic)}") is None:
            raise bad_field("budget.notifications_rule.pubsub_topic", f"Topic {topic} does not exist")
    if rule.get("schemaVersion", "" if topic else "1.0") != "1.0":
        raise bad_field("budget.notifications_rule.schema_version", "must be 1.0")


def _fill(change: Change) -> None:
    spent = change.body.setdefault("budgetFilter", {})
    spent.setdefault("creditTypesTreatment", "INCLUDE_ALL_CREDITS")
    if "customPeriod" not in spent:
        spent.setdefault("calendarPeriod", "MONTH")
    if "specifiedAmount" in change.body["amount"]:
        change.body["amount"]["specifiedAmount"].setdefault("currencyCode", change.call.cloud.project.currency)


_BUDGETS = Collection(
    "billingbudgets.v1",
    "billingAccounts.budgets",
    "create get patch delete",
    id=lambda _: str(uuid.uuid4()),
    pattern=r".+",
    required=("amount",),
    etag=True,
    check=_check,
    fill=_fill,
)

METHODS = {
    "cloudbilling.v1": {"cloudbilling.projects.getBillingInfo": _billing_info},
    "billingbudgets.v1": _BUDGETS.methods(),
}
