module tinysse.interop/module

go 1.25.2

require github.com/tinywasm/sse v0.0.11

require github.com/tinywasm/fmt v0.18.4 // indirect
