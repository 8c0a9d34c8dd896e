module tinysse.interop

go 1.19
