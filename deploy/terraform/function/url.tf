# A public function URL needs two permissions in the function's policy:
# lambda:InvokeFunctionUrl with the authorization type NONE, and
# lambda:InvokeFunction as invoked via a function URL. The provider grants both
# when it makes a URL whose authorization_type is NONE, so there is no
# aws_lambda_permission here: a second one would collide with the provider's own.
#
# There is no cors block either. The server answers preflight requests, and two
# answers to one question are none: browsers reject a repeated header.
resource "aws_lambda_function_url" "server" {
  count = local.deployed ? 1 : 0

  function_name      = aws_lambda_function.server[0].function_name
  authorization_type = var.authorization_type
  invoke_mode        = var.invoke_mode
}
