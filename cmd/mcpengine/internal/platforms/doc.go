// Package platforms prints the files with which platforms other than AWS Lambda run
// a server, and the commands of each platform's own tool that apply them. A
// [Target] is a pure function of one description, the [Server]: nothing here runs
// a program, reads a file or reaches a network.
package platforms
