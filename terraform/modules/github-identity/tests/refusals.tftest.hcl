mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id   = "my-project"
  repository   = { id = "123456789", owner_id = "1234567" }
  plan_roles   = ["roles/run.viewer"]
  deploy_roles = ["roles/run.admin"]
}

run "condition_that_lets_everyone_in" {
  command = plan

  variables {
    attribute_condition = "true"
  }

  expect_failures = [var.attribute_condition]
}

run "condition_that_widens" {
  command = plan

  variables {
    attribute_condition = "assertion.actor_id == '1' || assertion.actor_id != ''"
  }

  expect_failures = [var.attribute_condition]
}

run "every_branch" {
  command = plan

  variables {
    branch = "*"
  }

  expect_failures = [var.branch]
}

run "branch_as_ref" {
  command = plan

  variables {
    branch = "refs/heads/main"
  }

  expect_failures = [var.branch]
}

run "repository_by_name" {
  command = plan

  variables {
    repository = { id = "owner/kikitori", owner_id = "owner" }
  }

  expect_failures = [var.repository]
}

run "deploy_as_owner" {
  command = plan

  variables {
    deploy_roles = ["roles/owner"]
  }

  expect_failures = [var.deploy_roles]
}

run "deploy_with_billing" {
  command = plan

  variables {
    deploy_roles = ["roles/billing.admin"]
  }

  expect_failures = [var.deploy_roles]
}

run "deploy_that_gives_itself_rights" {
  command = plan

  variables {
    deploy_roles = ["roles/resourcemanager.projectIamAdmin"]
  }

  expect_failures = [var.deploy_roles]
}

run "deploy_role_by_its_short_name" {
  command = plan

  variables {
    deploy_roles = ["run.admin"]
  }

  expect_failures = [var.deploy_roles]
}

run "plan_as_viewer" {
  command = plan

  variables {
    plan_roles = ["roles/viewer"]
  }

  expect_failures = [var.plan_roles]
}

run "plan_that_writes" {
  command = plan

  variables {
    plan_roles = ["roles/run.admin"]
  }

  expect_failures = [var.plan_roles]
}

run "plan_that_reads_all_buckets" {
  command = plan

  variables {
    plan_roles = ["roles/storage.objectViewer"]
  }

  expect_failures = [var.plan_roles]
}

run "pool_id_too_short" {
  command = plan

  variables {
    pool_id = "gh"
  }

  expect_failures = [var.pool_id]
}

run "pool_id_of_google" {
  command = plan

  variables {
    pool_id = "gcp-pool"
  }

  expect_failures = [var.pool_id]
}

run "provider_id_too_long" {
  command = plan

  variables {
    provider_id = "ppppppppppppppppppppppppppppppppp"
  }

  expect_failures = [var.provider_id]
}

run "prefix_too_long" {
  command = plan

  variables {
    prefix = "pppppppppppppppppppppppp"
  }

  expect_failures = [var.prefix]
}

run "project_by_number" {
  command = plan

  variables {
    project_id = "123456789012"
  }

  expect_failures = [var.project_id]
}

run "condition_with_an_open_quote" {
  command = plan

  variables {
    attribute_condition = "assertion.actor_id == '1"
  }

  expect_failures = [var.attribute_condition]
}

run "condition_with_an_open_parenthesis" {
  command = plan

  variables {
    attribute_condition = "(assertion.actor_id == '1'"
  }

  expect_failures = [var.attribute_condition]
}

run "condition_that_leaves_its_parentheses" {
  command = plan

  variables {
    attribute_condition = "assertion.actor_id == '1') && (assertion.actor == 'a'"
  }

  expect_failures = [var.attribute_condition]
}

run "deploy_as_any_account" {
  command = plan

  variables {
    deploy_roles = ["roles/iam.workloadIdentityUser"]
  }

  expect_failures = [var.deploy_roles]
}

run "deploy_with_tokens_of_others" {
  command = plan

  variables {
    deploy_roles = ["roles/iam.serviceAccountOpenIdTokenCreator"]
  }

  expect_failures = [var.deploy_roles]
}

run "deploy_that_makes_accounts" {
  command = plan

  variables {
    deploy_roles = ["roles/iam.serviceAccountCreator"]
  }

  expect_failures = [var.deploy_roles]
}

run "deploy_that_takes_rights_away" {
  command = plan

  variables {
    deploy_roles = ["roles/iam.denyAdmin"]
  }

  expect_failures = [var.deploy_roles]
}

run "deploy_with_all_of_firebase" {
  command = plan

  variables {
    deploy_roles = ["roles/firebase.admin"]
  }

  expect_failures = [var.deploy_roles]
}

run "deploy_with_all_buckets" {
  command = plan

  variables {
    deploy_roles = ["roles/storage.admin"]
  }

  expect_failures = [var.deploy_roles]
}

run "deploy_with_all_secrets" {
  command = plan

  variables {
    deploy_roles = ["roles/secretmanager.admin"]
  }

  expect_failures = [var.deploy_roles]
}

run "deploy_with_all_networks" {
  command = plan

  variables {
    deploy_roles = ["roles/compute.admin"]
  }

  expect_failures = [var.deploy_roles]
}
