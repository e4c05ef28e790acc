# Run by `terraform test`, without an account: nothing is asked of AWS.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/weather" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/weather" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_region" {
    defaults = { region = "eu-west-1" }
  }

  mock_resource "aws_dynamodb_table" {
    defaults = { arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/weather-tasks" }
  }

  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-west-1:123456789012:rule/weather-tasks" }
  }

  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-west-1:123456789012:function:weather" }
  }

  mock_resource "aws_lambda_function_url" {
    defaults = { function_url = "https://abc.lambda-url.eu-west-1.on.aws/" }
  }

  mock_resource "aws_ecr_repository" {
    defaults = { repository_url = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/weather" }
  }
}

variables {
  name               = "weather"
  authorization_type = "NONE"
  package            = "README.md" # Any file will do: nobody opens it.
}

run "a_package_is_a_public_buffered_function_on_arm64" {
  assert {
    condition     = aws_lambda_function.server[0].runtime == "provided.al2023" && aws_lambda_function.server[0].handler == "bootstrap"
    error_message = "A package runs as the bootstrap of provided.al2023."
  }
  assert {
    condition     = aws_lambda_function.server[0].package_type == "Zip" && aws_lambda_function.server[0].source_code_hash == filebase64sha256("README.md")
    error_message = "A changed package is a changed function."
  }
  assert {
    condition     = aws_lambda_function.server[0].architectures == tolist(["arm64"])
    error_message = "The default is arm64."
  }
  assert {
    condition     = aws_lambda_function.server[0].reserved_concurrent_executions == -1
    error_message = "A new account has no concurrency to reserve."
  }
  assert {
    condition     = aws_lambda_function_url.server[0].authorization_type == "NONE" && aws_lambda_function_url.server[0].invoke_mode == "BUFFERED"
    error_message = "The URL is public and buffered."
  }
  assert {
    condition     = aws_lambda_function.server[0].environment[0].variables == tomap({ MCPENGINE_LAMBDA_MODE = "buffered" })
    error_message = "The server is told that answers are buffered."
  }
  assert {
    condition     = aws_cloudwatch_log_group.server.name == "/aws/lambda/weather" && aws_cloudwatch_log_group.server.retention_in_days == 14
    error_message = "Logs go to the function's group and end."
  }
  assert {
    condition     = length(aws_iam_role_policy.secrets) == 0 && length(aws_iam_role_policy_attachment.vpc) == 0 && length(aws_ecr_repository.server) == 0
    error_message = "Nothing is granted or made that nobody asked for."
  }
  assert {
    condition     = output.function_url == "https://abc.lambda-url.eu-west-1.on.aws/" && output.lambda_name == "weather" && output.repository_url == null
    error_message = "The outputs speak of the function."
  }
}

run "streaming_sets_the_url_and_the_server_alike" {
  variables {
    invoke_mode = "RESPONSE_STREAM"
    environment = { WEATHER_UNIT = "celsius" }
  }

  assert {
    condition     = aws_lambda_function_url.server[0].invoke_mode == "RESPONSE_STREAM"
    error_message = "The URL streams."
  }
  assert {
    condition     = aws_lambda_function.server[0].environment[0].variables == tomap({ MCPENGINE_LAMBDA_MODE = "stream", WEATHER_UNIT = "celsius" })
    error_message = "The server streams, and keeps its own variables."
  }
}

run "callers_may_have_to_sign" {
  variables {
    authorization_type = "AWS_IAM"
  }

  assert {
    condition     = aws_lambda_function_url.server[0].authorization_type == "AWS_IAM"
    error_message = "The URL asks for a signature."
  }
}

run "a_repository_comes_before_the_image" {
  variables {
    package           = null
    create_repository = true
  }

  assert {
    condition     = length(aws_lambda_function.server) == 0 && length(aws_lambda_function_url.server) == 0
    error_message = "Without an image there is no function yet."
  }
  assert {
    condition     = output.repository_url == "123456789012.dkr.ecr.eu-west-1.amazonaws.com/weather" && output.lambda_name == "weather" && output.function_url == null
    error_message = "The repository can be pushed to."
  }
}

run "the_image_comes_from_the_repository" {
  variables {
    package           = null
    create_repository = true
    image_tag         = "v1"
    architecture      = "x86_64"
  }

  assert {
    condition     = aws_lambda_function.server[0].package_type == "Image" && aws_lambda_function.server[0].image_uri == "123456789012.dkr.ecr.eu-west-1.amazonaws.com/weather:v1"
    error_message = "The function is the pushed image."
  }
  assert {
    condition     = aws_lambda_function.server[0].runtime == null && aws_lambda_function.server[0].handler == null && aws_lambda_function.server[0].filename == null
    error_message = "An image has its own runtime and entry point."
  }
  assert {
    condition     = aws_lambda_function.server[0].architectures == tolist(["x86_64"])
    error_message = "The architecture is the one asked for."
  }
}

run "an_image_from_elsewhere" {
  variables {
    package   = null
    image_uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shared:v2"
  }

  assert {
    condition     = aws_lambda_function.server[0].image_uri == "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shared:v2" && length(aws_ecr_repository.server) == 0
    error_message = "The function is the given image."
  }
}

run "a_private_network" {
  variables {
    vpc                  = { subnet_ids = ["subnet-1", "subnet-2"], security_group_ids = ["sg-1"] }
    reserved_concurrency = 20
  }

  assert {
    condition     = aws_lambda_function.server[0].vpc_config[0].subnet_ids == toset(["subnet-1", "subnet-2"]) && aws_lambda_function.server[0].vpc_config[0].security_group_ids == toset(["sg-1"])
    error_message = "The function runs in the subnets."
  }
  assert {
    condition     = aws_iam_role_policy_attachment.vpc[0].policy_arn == "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
    error_message = "The function may have network interfaces."
  }
  assert {
    condition     = aws_lambda_function.server[0].reserved_concurrent_executions == 20
    error_message = "Concurrency bounds the connections to a database."
  }
}

run "secrets_are_arns_that_the_role_may_read" {
  variables {
    secrets              = { DB_SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:board-AbCdEf" }
    secrets_kms_key_arns = ["arn:aws:kms:eu-west-1:123456789012:key/1234"]
  }

  assert {
    condition     = aws_lambda_function.server[0].environment[0].variables["DB_SECRET_ARN"] == "arn:aws:secretsmanager:eu-west-1:123456789012:secret:board-AbCdEf"
    error_message = "The environment holds the ARN."
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.secrets[0].policy).Statement == [
      { Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:board-AbCdEf"] },
      { Effect = "Allow", Action = ["kms:Decrypt"], Resource = ["arn:aws:kms:eu-west-1:123456789012:key/1234"] },
    ]
    error_message = "The role reads this secret and no other."
  }
}

run "no_tasks_unless_somebody_asks" {
  assert {
    condition     = length(aws_dynamodb_table.tasks) + length(aws_iam_role_policy.tasks) + length(aws_lambda_function_recursion_config.tasks) + length(aws_cloudwatch_event_rule.tasks) == 0 && output.tasks_table_name == null
    error_message = "Without tasks there is no table, permission or schedule."
  }
}

run "tasks_have_a_table_a_schedule_and_themselves" {
  variables {
    tasks = {}
  }

  assert {
    condition     = aws_lambda_function.server[0].environment[0].variables["MCPENGINE_TASKS_TABLE"] == "weather-tasks" && output.tasks_table_name == "weather-tasks"
    error_message = "The server finds its table."
  }
  assert {
    condition     = aws_dynamodb_table.tasks[0].hash_key == "task" && aws_dynamodb_table.tasks[0].range_key == "part" && aws_dynamodb_table.tasks[0].billing_mode == "PAY_PER_REQUEST"
    error_message = "The table has the keys that ext/tasks/aws uses, and is paid by request."
  }
  assert {
    condition     = aws_dynamodb_table.tasks[0].ttl[0].attribute_name == "ttl" && aws_dynamodb_table.tasks[0].ttl[0].enabled && aws_dynamodb_table.tasks[0].deletion_protection_enabled
    error_message = "Tasks that have ended expire, and the table is not deleted by mistake."
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.tasks[0].policy).Statement == [
      { Effect = "Allow", Action = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Query"], Resource = "arn:aws:dynamodb:eu-west-1:123456789012:table/weather-tasks" },
      { Effect = "Allow", Action = ["dynamodb:Query"], Resource = "arn:aws:dynamodb:eu-west-1:123456789012:table/weather-tasks/index/*" },
      { Effect = "Allow", Action = ["lambda:InvokeFunction"], Resource = "arn:aws:lambda:eu-west-1:123456789012:function:weather" },
    ]
    error_message = "The function uses this table, invokes itself, and does nothing else."
  }
  assert {
    condition     = aws_lambda_function_recursion_config.tasks[0].recursive_loop == "Allow"
    error_message = "A task may take more than 16 invocations."
  }
  assert {
    condition     = aws_cloudwatch_event_rule.tasks[0].schedule_expression == "rate(1 minute)" && aws_cloudwatch_event_target.tasks[0].input == "{\"mcpengine/tasks\":{\"wake\":true}}"
    error_message = "The schedule sends what ext/tasks/aws understands."
  }
  assert {
    condition     = aws_lambda_permission.tasks[0].principal == "events.amazonaws.com" && aws_lambda_permission.tasks[0].source_arn == "arn:aws:events:eu-west-1:123456789012:rule/weather-tasks"
    error_message = "This rule may invoke the function, and no other."
  }
}

run "tasks_without_a_schedule" {
  variables {
    tasks = { schedule = "", deletion_protection = false, point_in_time_recovery = true }
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.tasks) + length(aws_lambda_permission.tasks) == 0 && length(aws_dynamodb_table.tasks) == 1
    error_message = "A schedule can be left out."
  }
  assert {
    condition     = !aws_dynamodb_table.tasks[0].deletion_protection_enabled && aws_dynamodb_table.tasks[0].point_in_time_recovery[0].enabled
    error_message = "The table is as it was asked for."
  }
}

run "nothing_to_deploy" {
  command = plan
  variables {
    package = null
  }
  expect_failures = [var.create_repository]
}

run "a_package_that_is_not_there" {
  command = plan
  variables {
    package = "missing.zip"
  }
  expect_failures = [var.package]
}

run "a_package_and_an_image" {
  command = plan
  variables {
    image_uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shared:v2"
  }
  expect_failures = [var.image_uri]
}

run "a_package_and_a_repository" {
  command = plan
  variables {
    create_repository = true
  }
  expect_failures = [var.create_repository]
}

run "a_tag_without_a_repository" {
  command = plan
  variables {
    package   = null
    image_uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shared:v2"
    image_tag = "v1"
  }
  expect_failures = [var.image_tag]
}

run "a_secret_in_the_environment" {
  command = plan
  variables {
    environment = { DB_PASSWORD = "hunter2" }
  }
  expect_failures = [var.environment]
}

run "a_place_is_no_secret" {
  command = plan
  variables {
    environment = { OIDC_TOKEN_URL = "https://id.example.com/token" }
  }
}

run "the_mode_is_not_the_users" {
  command = plan
  variables {
    environment = { MCPENGINE_LAMBDA_MODE = "stream" }
  }
  expect_failures = [var.environment]
}

run "the_table_is_not_the_users" {
  command = plan
  variables {
    environment = { MCPENGINE_TASKS_TABLE = "mine" }
  }
  expect_failures = [var.environment]
}

run "a_schedule_that_is_none" {
  command = plan
  variables {
    tasks = { schedule = "every minute" }
  }
  expect_failures = [var.tasks]
}

run "a_secret_by_its_value" {
  command = plan
  variables {
    secrets = { DB_SECRET_ARN = "hunter2" }
  }
  expect_failures = [var.secrets]
}

run "a_secret_with_a_taken_name" {
  command = plan
  variables {
    environment = { DB_SECRET_ARN = "none" }
    secrets     = { DB_SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:board-AbCdEf" }
  }
  expect_failures = [var.secrets]
}

run "values_that_aws_does_not_know" {
  command = plan
  variables {
    name                 = "My Weather"
    authorization_type   = "PUBLIC"
    architecture         = "amd64"
    invoke_mode          = "stream"
    memory_size          = 64
    timeout              = 901
    reserved_concurrency = -2
    log_retention_days   = 2
  }
  expect_failures = [
    var.name,
    var.authorization_type,
    var.architecture,
    var.invoke_mode,
    var.memory_size,
    var.timeout,
    var.reserved_concurrency,
    var.log_retention_days,
  ]
}

run "a_tag_that_mcpengine_destroy_goes_by" {
  command = plan
  variables {
    tags = { "mcpengine:managed-by" = "mcpengine" }
  }
  expect_failures = [var.tags]
}
