# Run by `terraform test`, without an account: nothing is asked of AWS.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { region = "eu-west-1" }
  }

  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-west-1a", "eu-west-1b", "eu-west-1c"] }
  }

  mock_resource "aws_db_instance" {
    defaults = {
      address            = "board.abc.eu-west-1.rds.amazonaws.com"
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-1", kms_key_id = "", secret_status = "active" }]
    }
  }

  mock_resource "aws_db_proxy" {
    defaults = { endpoint = "board.proxy-abc.eu-west-1.rds.amazonaws.com" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/board-proxy" }
  }
}

variables {
  name = "board"
}

run "a_private_database_that_only_functions_reach" {
  assert {
    condition     = !aws_db_instance.database.publicly_accessible && aws_db_instance.database.storage_encrypted && aws_db_instance.database.deletion_protection
    error_message = "The database is private, encrypted and hard to delete."
  }
  assert {
    condition     = aws_db_instance.database.manage_master_user_password && aws_db_instance.database.password == null
    error_message = "The password is made up by RDS."
  }
  assert {
    condition     = !aws_db_instance.database.skip_final_snapshot && aws_db_instance.database.final_snapshot_identifier == "board-final" && aws_db_instance.database.backup_retention_period == 7
    error_message = "The data outlives the database."
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.database.referenced_security_group_id == aws_security_group.function.id && aws_vpc_security_group_ingress_rule.database.from_port == 5432
    error_message = "The database hears functions, and on its port."
  }
  assert {
    condition     = aws_vpc_security_group_egress_rule.function_to_database.referenced_security_group_id == aws_security_group.database.id
    error_message = "Functions talk to the database."
  }
  assert {
    condition     = length(aws_internet_gateway.egress) == 0 && length(aws_nat_gateway.egress) == 0 && length(aws_vpc_security_group_egress_rule.function_to_internet) == 0
    error_message = "The network has no way out."
  }
  assert {
    condition     = [for s in aws_subnet.private : s.availability_zone] == ["eu-west-1a", "eu-west-1b"] && [for s in aws_subnet.private : s.cidr_block] == ["10.64.0.0/26", "10.64.0.64/26"]
    error_message = "Two subnets lie in two availability zones."
  }
  assert {
    condition     = aws_vpc_endpoint.secrets[0].service_name == "com.amazonaws.eu-west-1.secretsmanager" && aws_vpc_endpoint.secrets[0].private_dns_enabled
    error_message = "Secrets Manager is reached from inside."
  }
  assert {
    condition     = output.environment == { DB_HOST = "board.abc.eu-west-1.rds.amazonaws.com", DB_PORT = "5432", DB_NAME = "app", PGSSLMODE = "verify-full", PGSSLROOTCERT = "/var/task/global-bundle.pem" }
    error_message = "The environment says where the database is."
  }
  assert {
    condition     = output.secrets == { DB_SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-1" }
    error_message = "The password is spoken of by its ARN."
  }
  assert {
    condition     = output.vpc.security_group_ids == [aws_security_group.function.id] && length(output.vpc.subnet_ids) == 2
    error_message = "The function module is told where to run."
  }
}

run "a_proxy_stands_between" {
  variables {
    proxy = true
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.database.referenced_security_group_id == aws_security_group.proxy[0].id && aws_vpc_security_group_ingress_rule.proxy[0].referenced_security_group_id == aws_security_group.function.id
    error_message = "Functions reach the proxy, and the proxy the database."
  }
  assert {
    condition     = aws_vpc_security_group_egress_rule.function_to_database.referenced_security_group_id == aws_security_group.proxy[0].id
    error_message = "Functions do not go past the proxy."
  }
  assert {
    condition     = aws_db_proxy.proxy[0].require_tls && aws_db_proxy_target.proxy[0].db_instance_identifier == "board"
    error_message = "The proxy asks for TLS and serves the database."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.proxy[0].policy).Statement[0].Resource == ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-1"]
    error_message = "The proxy reads this password and no other."
  }
  assert {
    condition     = output.host == "board.proxy-abc.eu-west-1.rds.amazonaws.com"
    error_message = "The host is the proxy's."
  }
}

run "a_network_of_ones_own" {
  variables {
    vpc              = { id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"] }
    secrets_endpoint = false
  }

  assert {
    condition     = length(aws_vpc.network) == 0 && length(aws_subnet.private) == 0 && length(aws_vpc_endpoint.secrets) == 0 && length(aws_security_group.secrets) == 0
    error_message = "No network is made."
  }
  assert {
    condition     = aws_db_subnet_group.database.subnet_ids == toset(["subnet-1", "subnet-2"]) && aws_security_group.database.vpc_id == "vpc-1"
    error_message = "The database lies in the given network."
  }
}

run "a_way_out_and_no_way_in" {
  variables {
    internet_egress = true
  }

  assert {
    condition     = [for r in aws_route_table.private[0].route : r.nat_gateway_id] == [aws_nat_gateway.egress[0].id] && length(aws_route_table_association.private) == 2
    error_message = "Private subnets go out through the NAT gateway."
  }
  assert {
    condition     = aws_subnet.egress[0].cidr_block == "10.64.0.128/26" && aws_route_table_association.egress[0].subnet_id == aws_subnet.egress[0].id
    error_message = "The NAT gateway has a subnet of its own."
  }
  assert {
    condition     = aws_vpc_security_group_egress_rule.function_to_internet[0].from_port == 443 && aws_vpc_security_group_egress_rule.function_to_internet[0].to_port == 443
    error_message = "Functions go out by HTTPS."
  }
}

run "a_database_to_throw_away" {
  variables {
    deletion_protection = false
    skip_final_snapshot = true
  }

  assert {
    condition     = !aws_db_instance.database.deletion_protection && aws_db_instance.database.skip_final_snapshot && aws_db_instance.database.final_snapshot_identifier == null
    error_message = "The database goes without a trace."
  }
}

run "egress_for_another_network" {
  command = plan
  variables {
    vpc             = { id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"] }
    internet_egress = true
  }
  expect_failures = [var.internet_egress]
}

run "storage_that_shrinks" {
  command = plan
  variables {
    max_allocated_storage = 10
  }
  expect_failures = [var.max_allocated_storage]
}

run "values_that_do_not_do" {
  command = plan
  variables {
    name                  = "board--"
    cidr_block            = "10.64.0.0/28"
    engine_version        = "13"
    instance_class        = "t4g.micro"
    allocated_storage     = 5
    database_name         = "my-board"
    username              = "admin"
    backup_retention_days = 0
  }
  expect_failures = [
    var.name,
    var.cidr_block,
    var.engine_version,
    var.instance_class,
    var.allocated_storage,
    var.database_name,
    var.username,
    var.backup_retention_days,
  ]
}
