// Packs the current directory by Go's standard library: packers zip|tar OUT
package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func walk(add func(name string, info os.FileInfo)) {
	check(filepath.Walk(".", func(name string, info os.FileInfo, err error) error {
		check(err)
		if name != "." {
			add(filepath.ToSlash(name), info)
		}
		return nil
	}))
}

func content(name string, info os.FileInfo, to io.Writer) {
	if info.Mode()&os.ModeSymlink != 0 {
		target, err := os.Readlink(name)
		check(err)
		_, err = io.WriteString(to, target)
		check(err)
	} else if info.Mode().IsRegular() {
		data, err := os.ReadFile(name)
		check(err)
		_, err = to.Write(data)
		check(err)
	}
}

func toZip(out io.Writer) {
	archive := zip.NewWriter(out)
	walk(func(name string, info os.FileInfo) {
		header, err := zip.FileInfoHeader(info)
		check(err)
		header.Name = name
		if info.IsDir() {
			header.Name += "/"
		} else {
			header.Method = zip.Deflate
		}
		to, err := archive.CreateHeader(header)
		check(err)
		content(name, info, to)
	})
	check(archive.Close())
}

func toTar(out io.Writer) {
	packed := gzip.NewWriter(out)
	archive := tar.NewWriter(packed)
	walk(func(name string, info os.FileInfo) {
		target, _ := os.Readlink(name)
		header, err := tar.FileInfoHeader(info, target)
		check(err)
		header.Name = name
		check(archive.WriteHeader(header))
		if info.Mode().IsRegular() {
			content(name, info, archive)
		}
	})
	check(archive.Close())
	check(packed.Close())
}

func main() {
	out, err := os.Create(os.Args[2])
	check(err)
	if os.Args[1] == "zip" {
		toZip(out)
	} else {
		toTar(out)
	}
	check(out.Close())
}
