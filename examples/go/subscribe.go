package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Message is an event as it arrives.
type Message struct {
	ID    string // where to go on after it
	Event string // "message" if it has no name
	Data  string
}

// Reset says that events may be missing: reload what was built from them.
type Reset struct {
	Reason      string // "evicted", "epoch" or "unknown"
	LastEventID string // what could not be continued
	ResumedAt   string // after this id none is missing
}

// Subscription is a stream of events that outlives its connections.
type Subscription struct {
	Channels    []string
	LastEventID string // where to begin, "earliest" for all that is kept; it moves on with the stream
	OnMessage   func(Message)
	OnReset     func(Reset)
	OnError     func(error) // a connection that was lost or did not come about; another attempt follows

	retry   time.Duration // the wait that the server asks for
	silence time.Duration // how long a stream may be silent before it counts as dead
}

const (
	longestLine = 16 << 20
	mostSilence = time.Minute // until the server has said how often it is to be heard
)

// errRefused marks answers that another attempt would not change.
var errRefused = errors.New("refused")

// Subscribe reads until the context ends, the hub answers 204, or it refuses.
func (h Hub) Subscribe(ctx context.Context, s *Subscription) error {
	s.retry, s.silence = time.Second, mostSilence
	for attempt := 1; ; attempt++ {
		before := s.LastEventID
		err := h.read(ctx, s)
		if err == nil || errors.Is(err, errRefused) || ctx.Err() != nil {
			return err
		}
		s.OnError(err)
		if s.LastEventID != before {
			attempt = 1 // the stream got on
		}
		pause := backoff(attempt)
		if pause < s.retry {
			pause = s.retry
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
}

// read takes one stream to its end, which is an error, or to a 204, which is none.
func (h Hub) read(ctx context.Context, s *Subscription) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dead := time.AfterFunc(s.silence, cancel) // a lost network says nothing
	defer dead.Stop()

	target := h.URL + "/events?" + url.Values{"channel": s.Channels}.Encode()
	request, err := h.request(ctx, http.MethodGet, target, nil)
	if err != nil {
		return fmt.Errorf("%w: %v", errRefused, err)
	}
	request.Header.Set("Accept", "text/event-stream")
	if s.LastEventID != "" {
		request.Header.Set("Last-Event-ID", s.LastEventID)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch status := response.StatusCode; {
	case status == http.StatusNoContent:
		return nil
	case status >= 500 || status == http.StatusTooManyRequests:
		return errors.New(response.Status)
	case status != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream"):
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return fmt.Errorf("%w: %s: %s", errRefused, response.Status, text)
	}

	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, longestLine)
	frame := Message{Event: "message"}
	var data []string
	for lines.Scan() {
		dead.Reset(s.silence)
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			frame.ID = value
		case "event":
			frame.Event = value
		case "data":
			data = append(data, value)
		case "retry":
			if ms, err := strconv.Atoi(value); err == nil {
				s.retry = time.Duration(ms) * time.Millisecond
			}
		case "":
			if lines.Text() != "" {
				continue // a comment
			}
			// Only a whole frame counts: one that was cut off comes again.
			if data != nil {
				frame.Data = strings.Join(data, "\n")
				dead.Stop() // the time that a handler takes is no silence
				s.take(frame)
				dead.Reset(s.silence)
			}
			frame, data = Message{Event: "message"}, nil
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

// take handles one event. The position moves after the handler returned: what was not handled comes again.
func (s *Subscription) take(frame Message) {
	switch frame.Event {
	case "tinysse:position": // where the stream stands, and how many milliseconds it is silent at most
		if ms, err := strconv.Atoi(frame.Data); err == nil {
			s.silence = time.Duration(ms) * time.Millisecond * 5 / 2
		}
	case "tinysse:reset":
		var reset Reset
		if err := json.Unmarshal([]byte(frame.Data), &reset); err == nil {
			s.OnReset(reset)
		}
	default:
		s.OnMessage(frame)
	}
	if frame.ID != "" {
		s.LastEventID = frame.ID
	}
}

// backoff doubles from a quarter of a second to 16 s, half of it by chance.
func backoff(attempt int) time.Duration {
	if attempt > 7 {
		attempt = 7
	}
	most := 125 * time.Millisecond << attempt
	return most/2 + time.Duration(rand.Int63n(int64(most/2)))
}

func wait(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}
