resource "aws_ecr_repository" "server" {
  count = var.create_repository ? 1 : 0

  name         = var.name
  force_delete = var.repository_force_delete
  tags         = var.tags

  image_scanning_configuration {
    scan_on_push = true
  }
}
