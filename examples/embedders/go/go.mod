module nosigbus.example/embedders

go 1.19
