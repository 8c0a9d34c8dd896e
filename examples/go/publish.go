package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	publishTimeout  = 10 * time.Second // of one attempt
	publishAttempts = 10
)

// Hub is a tinysse-hub. It is safe for concurrent use.
type Hub struct {
	URL   string // http://127.0.0.1:7730
	Token string // sent as Bearer token, unless empty
}

// Publish publishes an event and returns its id, once the hub has it safe. An event without a name is a message.
// It tries again while the hub is away or busy. The key makes that harmless: the hub stores the event once.
func (h Hub) Publish(ctx context.Context, event, data string, channels ...string) (string, error) {
	query := url.Values{"channel": channels, "key": {newKey()}}
	if event != "" {
		query.Set("event", event)
	}
	target := h.URL + "/publish?" + query.Encode()
	for attempt := 1; ; attempt++ {
		id, again, err := h.post(ctx, target, data)
		if err == nil || !again || attempt == publishAttempts {
			return id, err
		}
		if err := wait(ctx, backoff(attempt)); err != nil {
			return "", err
		}
	}
}

// post makes one attempt; again says whether another one may succeed.
func (h Hub) post(ctx context.Context, target, data string) (id string, again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	request, err := h.request(ctx, http.MethodPost, target, strings.NewReader(data))
	if err != nil {
		return "", false, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", true, err
	}
	defer response.Body.Close()
	var answer struct {
		ID    string
		Error struct{ Code, Message string }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", true, fmt.Errorf("the answer %s was cut off: %w", response.Status, err)
	}
	if response.StatusCode == http.StatusOK {
		return answer.ID, false, nil
	}
	again = response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests
	return "", again, fmt.Errorf("%s: %s: %s", response.Status, answer.Error.Code, answer.Error.Message)
}

func (h Hub) request(ctx context.Context, method, target string, body io.Reader) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, target, body)
	if err == nil && h.Token != "" {
		request.Header.Set("Authorization", "Bearer "+h.Token)
	}
	return request, err
}

func newKey() string {
	key := make([]byte, 16)
	if _, err := rand.Read(key); err != nil {
		panic(err) // the system has no randomness
	}
	return hex.EncodeToString(key)
}
