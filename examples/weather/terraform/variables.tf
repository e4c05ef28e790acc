variable "name" {
  description = "Name of the function."
  type        = string
  default     = "weather"
}

variable "region" {
  description = "Region to deploy to. The region of your AWS profile by default."
  type        = string
  default     = null
}

variable "package" {
  description = "Package that `mcpengine package` wrote."
  type        = string
  default     = "weather.zip"
}

variable "container" {
  description = "Whether to deploy a container image in place of the package."
  type        = bool
  default     = false
}

variable "image_tag" {
  description = "Tag of the pushed image. Without it a container deployment stops after making the repository."
  type        = string
  default     = null
}

variable "architecture" {
  description = "Instruction set the package or image was built for: arm64 or x86_64."
  type        = string
  default     = "arm64"
}

variable "invoke_mode" {
  description = "How answers travel: BUFFERED or RESPONSE_STREAM."
  type        = string
  default     = "BUFFERED"
}

variable "reserved_concurrency" {
  description = "Most requests served at once, which bounds what strangers can cost you; -1, the default, sets no bound but the account's."
  type        = number
  default     = -1
}

variable "keys" {
  description = "Keys that protect answers to questions and cursors of lists (openssl rand -base64 32). Each instance has a random one by default."
  type        = string
  default     = null
  sensitive   = true
}
