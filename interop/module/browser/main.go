//go:build js && wasm

// The client for browsers of the Go package github.com/tinywasm/sse itself, for the page of ../../browser.
package main

import (
	"strings"
	"syscall/js"

	"github.com/tinywasm/sse"
)

func main() {
	page := js.Global()
	client := sse.New(&sse.Config{}).Client(&sse.ClientConfig{
		Endpoint:      page.Get("endpoint").String(),
		RetryInterval: 50,   // milliseconds
		MaxRetryDelay: 1000, // milliseconds
	})
	client.OnMessage(func(message *sse.SSEMessage) {
		page.Get("messages").Call("push", map[string]any{
			"lastEventId": message.ID,
			"type":        message.Event,
			"data":        string(message.Data),
		})
	})
	client.OnError(func(err error) {
		// "SSE connection error readyState 2"
		words := strings.Fields(err.Error())
		page.Get("errors").Call("push", page.Call("Number", words[len(words)-1]))
	})
	client.Connect()
	select {}
}
