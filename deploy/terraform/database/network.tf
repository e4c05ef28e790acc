# The network that the module makes when it is given none: two private subnets
# without a route to anywhere else.

locals {
  vpc_id     = var.vpc == null ? aws_vpc.network[0].id : var.vpc.id
  subnet_ids = var.vpc == null ? aws_subnet.private[*].id : var.vpc.subnet_ids
}

data "aws_region" "current" {}

data "aws_availability_zones" "available" {
  state = "available"

  # Local zones and those that an account has to ask for have no RDS.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

resource "aws_vpc" "network" {
  count = var.vpc == null ? 1 : 0

  cidr_block           = var.cidr_block
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = merge(var.tags, { Name = var.name })
}

resource "aws_subnet" "private" {
  count = var.vpc == null ? 2 : 0

  vpc_id            = aws_vpc.network[0].id
  availability_zone = data.aws_availability_zones.available.names[count.index]
  cidr_block        = cidrsubnet(var.cidr_block, 2, count.index)
  tags              = merge(var.tags, { Name = "${var.name}-private-${count.index + 1}" })
}

# Functions ask Secrets Manager for the password without leaving the network.
resource "aws_vpc_endpoint" "secrets" {
  count = var.secrets_endpoint ? 1 : 0

  vpc_id              = local.vpc_id
  service_name        = "com.amazonaws.${data.aws_region.current.region}.secretsmanager"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = local.subnet_ids
  security_group_ids  = [aws_security_group.secrets[0].id]
  tags                = merge(var.tags, { Name = "${var.name}-secrets" })
}
