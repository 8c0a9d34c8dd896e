module tinysse.example

go 1.19
