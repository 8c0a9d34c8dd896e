// Publishes to a tinysse-hub and reads from it, with nothing but net/http.
//
//	tinysse-hub serve
//	go run . subscribe kitchen          # prints what comes
//	go run . publish kitchen            # publishes each line that is typed
//
// TINYSSE_URL says where the hub is, TINYSSE_TOKEN is sent to it.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 3 {
		log.Fatal("usage: publish CHANNEL [EVENT] | subscribe CHANNEL [LAST-EVENT-ID]")
	}
	hub := Hub{URL: "http://127.0.0.1:7730", Token: os.Getenv("TINYSSE_TOKEN")}
	if given := os.Getenv("TINYSSE_URL"); given != "" {
		hub.URL = strings.TrimSuffix(given, "/")
	}
	option := ""
	if len(os.Args) > 3 {
		option = os.Args[3]
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	var err error
	switch channel := os.Args[2]; os.Args[1] {
	case "publish":
		err = publishLines(ctx, hub, channel, option)
	case "subscribe":
		err = hub.Subscribe(ctx, &Subscription{
			Channels:    []string{channel},
			LastEventID: option,
			OnMessage:   func(m Message) { fmt.Printf("%s %s %q\n", m.ID, m.Event, m.Data) },
			OnReset:     func(r Reset) { fmt.Printf("reset %s: events may be missing\n", r.Reason) },
			OnError:     func(err error) { log.Print(err, "; reconnecting") },
		})
	default:
		log.Fatalf("no such command: %s", os.Args[1])
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

func publishLines(ctx context.Context, hub Hub, channel, event string) error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		id, err := hub.Publish(ctx, event, lines.Text(), channel)
		if err != nil {
			return err
		}
		fmt.Println(id)
	}
	return lines.Err()
}
