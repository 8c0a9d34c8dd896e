//go:build js && wasm

// A client for browsers, made for this project's tests. It does as the client of the Go package github.com/tinywasm/sse
// does (../module/browser): it takes onmessage and onerror of a native EventSource, and makes a new one when the browser
// has given up. It needs nothing but Go's standard library.
//
// The page says where to connect in `endpoint`; the client tells it of messages in `messages`, of errors in `errors`.
package main

import "syscall/js"

const firstWait, longestWait = 50, 1000 // milliseconds

type client struct {
	endpoint string
	attempts int
}

func main() {
	page := js.Global()
	c := &client{endpoint: page.Get("endpoint").String()}
	c.connect(page)
	select {}
}

func (c *client) connect(page js.Value) {
	source := page.Get("EventSource").New(c.endpoint)
	source.Set("onmessage", js.FuncOf(func(_ js.Value, args []js.Value) any {
		c.attempts = 0
		message := map[string]any{}
		for _, field := range []string{"lastEventId", "type", "data"} {
			message[field] = args[0].Get(field)
		}
		page.Get("messages").Call("push", message)
		return nil
	}))
	source.Set("onerror", js.FuncOf(func(js.Value, []js.Value) any {
		state := source.Get("readyState")
		page.Get("errors").Call("push", state)
		if state.Equal(page.Get("EventSource").Get("CLOSED")) {
			c.reconnect(page)
		}
		return nil
	}))
}

// reconnect begins anew: a new EventSource knows of no last event id.
func (c *client) reconnect(page js.Value) {
	wait := firstWait << c.attempts
	if wait > longestWait {
		wait = longestWait
	}
	c.attempts++
	var again js.Func
	again = js.FuncOf(func(js.Value, []js.Value) any {
		again.Release()
		c.connect(page)
		return nil
	})
	page.Call("setTimeout", again, wait)
}
