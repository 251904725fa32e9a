# By habit; the scripts in tools/ do the work.
.PHONY: all build demo test bench clean
all: build
build:
	./tools/build
demo:
	./tools/demo
test:
	./tools/test
bench:
	./tools/bench
clean:
	rm -rf build
