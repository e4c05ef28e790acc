// Package tasks makes tools durable: a call of a durable tool survives the
// process that runs it, waits for people for days, and reaches every client in
// the form that it understands. It serves the extension
// io.modelcontextprotocol/tasks and the tasks of protocol version 2025-11-25.
//
//	e := mcpengine.New("reports", mcpengine.WithExtension(tasks.Extension(tasks.Memory())))
//	mcpengine.AddTool(e, "publish", "Publishes a report.", publish, tasks.Durable())
//
// The handler is an ordinary one. What must not happen twice stands in an
// [mcpengine.Step]; [mcpengine.Elicit] asks a person, and [Sleep] waits, for as
// long as it takes:
//
//	func publish(ctx context.Context, in Report) (string, error) {
//		draft, err := mcpengine.Step(ctx, "draft", in.draft, tasks.Retry(5, time.Second))
//		if err != nil {
//			return "", err
//		}
//		answer, err := mcpengine.Elicit[Approval](ctx, "Publish "+draft.Title+"?")
//		if err != nil {
//			return "", err
//		}
//		...
//	}
//
// The handler is run again from its beginning after each interruption, and each
// finished step returns its value without running. So code outside of steps has
// to be repeatable and to reach the same steps in the same order. A program that
// lacks a step of a task that is under way fails the task and names the step.
//
// A step that has an effect outside may have had it when the process died before
// the journal said so. It runs again then, with the same [IdempotencyKey]; or
// never, if it is marked [NeverTwice]. A step whose effect lies in the database
// of the tasks uses [Tx] and has it exactly once.
package tasks
