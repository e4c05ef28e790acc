// Command hello is something to deploy.
package main

func main() { println("hello") }
