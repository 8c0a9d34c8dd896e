// An event server of this project's own, made for its tests: it answers as one of the Go package github.com/tinywasm/sse
// does (../module/server), and needs nothing but Go's standard library.
//
//	--replay-all                          a client without a Last-Event-ID gets the whole history
//
//	GET  /events?channel=a&channel=b      401 without a channel
//	GET  /unprovided                      500: a server that has no channel provider
//	POST /publish?channel=a[&event=n]     the body is the data; answers how many slow clients have lost it
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
)

const (
	clientBuffer  = 8    // frames that wait for one client
	historyBuffer = 1000 // events that are kept for those that come back
)

type event struct {
	id       int
	channels []string
	frame    []byte
}

type client struct {
	channels []string
	frames   chan []byte
}

type server struct {
	replayAll bool

	mutex   sync.Mutex
	lastID  int
	history []event
	clients map[*client]bool
}

func main() {
	replayAll := flag.Bool("replay-all", false, "")
	flag.Parse()
	s := &server{replayAll: *replayAll, clients: map[*client]bool{}}
	http.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) { s.stream(w, r, byQuery) })
	http.HandleFunc("/unprovided", func(w http.ResponseWriter, r *http.Request) { s.stream(w, r, nil) })
	http.HandleFunc("/publish", s.publish)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}

// byQuery resolves the channels of a request.
func byQuery(r *http.Request) ([]string, error) {
	if channels := r.URL.Query()["channel"]; len(channels) > 0 {
		return channels, nil
	}
	return nil, errors.New("no channel asked for")
}

func (s *server) stream(w http.ResponseWriter, r *http.Request, resolve func(*http.Request) ([]string, error)) {
	if resolve == nil {
		http.Error(w, "channel provider not configured", http.StatusInternalServerError)
		return
	}
	channels, err := resolve(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusOK)
	flusher := w.(http.Flusher)
	flusher.Flush()

	c := &client{channels: channels, frames: make(chan []byte, clientBuffer)}
	missed := s.join(c, r.Header.Get("Last-Event-ID"))
	defer s.leave(c)
	for _, frame := range missed {
		if _, err := w.Write(frame); err != nil {
			return
		}
	}
	flusher.Flush()
	for {
		select {
		case frame := <-c.frames:
			if _, err := w.Write(frame); err != nil {
				return
			}
			flusher.Flush()
		case <-r.Context().Done():
			return
		}
	}
}

// join adds a client and gives what it has missed: nothing, if its last id is kept no longer.
func (s *server) join(c *client, lastEventID string) (missed [][]byte) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.clients[c] = true
	known := lastEventID == "" && s.replayAll
	for _, e := range s.history {
		if known && overlap(e.channels, c.channels) {
			missed = append(missed, e.frame)
		}
		known = known || strconv.Itoa(e.id) == lastEventID
	}
	return missed
}

func (s *server) leave(c *client) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.clients, c)
}

func (s *server) publish(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	query := r.URL.Query()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.lastID++
	e := event{s.lastID, query["channel"], encode(s.lastID, query.Get("event"), data)}
	s.history = append(s.history, e)
	if len(s.history) > historyBuffer {
		s.history = s.history[1:]
	}
	lost := 0
	for c := range s.clients {
		if !overlap(e.channels, c.channels) {
			continue
		}
		select {
		case c.frames <- e.frame:
		default:
			lost++
		}
	}
	fmt.Fprint(w, lost)
}

// encode ends lines at LF and CRLF. A lone CR goes through.
func encode(id int, name string, data []byte) []byte {
	frame := fmt.Appendf(nil, "id: %d\n", id)
	if name != "" {
		frame = fmt.Appendf(frame, "event: %s\n", name)
	}
	for _, line := range bytes.Split(data, []byte("\n")) {
		frame = fmt.Appendf(frame, "data: %s\n", bytes.TrimSuffix(line, []byte("\r")))
	}
	return append(frame, '\n')
}

func overlap(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}
