# The way out to the internet, for functions that need one: a NAT gateway in a
# public subnet of its own. It carries answers in, and nothing that was not asked
# for.

resource "aws_internet_gateway" "egress" {
  count = var.internet_egress ? 1 : 0

  vpc_id = local.vpc_id
  tags   = merge(var.tags, { Name = var.name })
}

resource "aws_subnet" "egress" {
  count = var.internet_egress ? 1 : 0

  vpc_id            = local.vpc_id
  availability_zone = data.aws_availability_zones.available.names[0]
  cidr_block        = cidrsubnet(var.cidr_block, 2, 2)
  tags              = merge(var.tags, { Name = "${var.name}-egress" })
}

resource "aws_eip" "egress" {
  count = var.internet_egress ? 1 : 0

  domain = "vpc"
  tags   = merge(var.tags, { Name = var.name })
}

resource "aws_nat_gateway" "egress" {
  count = var.internet_egress ? 1 : 0

  allocation_id = aws_eip.egress[0].id
  subnet_id     = aws_subnet.egress[0].id
  tags          = merge(var.tags, { Name = var.name })

  depends_on = [aws_internet_gateway.egress]
}

resource "aws_route_table" "egress" {
  count = var.internet_egress ? 1 : 0

  vpc_id = local.vpc_id
  tags   = merge(var.tags, { Name = "${var.name}-egress" })

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.egress[0].id
  }
}

resource "aws_route_table_association" "egress" {
  count = var.internet_egress ? 1 : 0

  subnet_id      = aws_subnet.egress[0].id
  route_table_id = aws_route_table.egress[0].id
}

resource "aws_route_table" "private" {
  count = var.internet_egress ? 1 : 0

  vpc_id = local.vpc_id
  tags   = merge(var.tags, { Name = "${var.name}-private" })

  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.egress[0].id
  }
}

resource "aws_route_table_association" "private" {
  count = var.internet_egress ? 2 : 0

  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private[0].id
}
