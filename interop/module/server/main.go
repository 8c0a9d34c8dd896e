// An event server of the Go package github.com/tinywasm/sse itself; it is asked as ../../server is.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/tinywasm/sse"
)

// byQuery resolves the channels of a request.
type byQuery struct{}

func (byQuery) ResolveChannels(r *http.Request) ([]string, error) {
	if channels := r.URL.Query()["channel"]; len(channels) > 0 {
		return channels, nil
	}
	return nil, errors.New("no channel asked for")
}

func main() {
	replayAll := flag.Bool("replay-all", false, "new clients get the whole history")
	flag.Parse()
	// The package logs a line for each message that it drops, and nothing else.
	var dropped atomic.Int64
	tiny := sse.New(&sse.Config{Log: func(...any) { dropped.Add(1) }})
	server := tiny.Server(&sse.ServerConfig{
		ClientChannelBuffer: 8,
		HistoryReplayBuffer: 1000,
		ReplayAllOnConnect:  *replayAll,
		ChannelProvider:     byQuery{},
	})
	http.Handle("/events", server)
	http.Handle("/unprovided", tiny.Server(&sse.ServerConfig{}))
	http.HandleFunc("/publish", func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		query := r.URL.Query()
		server.PublishEvent(query.Get("event"), data, query["channel"]...)
		fmt.Fprint(w, dropped.Swap(0))
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
