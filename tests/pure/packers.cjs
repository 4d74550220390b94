// Packs the current directory by one of npm's packers: node packers.cjs PACKAGE OUT
const fs = require("node:fs");
const path = require("node:path");

const [, , kind, out] = process.argv;

function walk(directory = ".") {
  return fs.readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(directory, entry.name);
    return entry.isDirectory() ? [{ name, directory: true }, ...walk(name)] : [{ name, mode: fs.statSync(name).mode }];
  });
}

const packers = {
  async archiver(format = "zip") {
    const { default: create, ZipArchive, TarArchive } = require("archiver");
    const options = { gzip: true, zlib: { level: 9 } };
    const archive = create ? create(format, options) : new (format === "zip" ? ZipArchive : TarArchive)(options);
    archive.pipe(fs.createWriteStream(out));
    archive.directory(".", false);
    await archive.finalize();
  },
  "archiver-tar": () => packers.archiver("tar"),
  yazl() {
    const { ZipFile } = require("yazl");
    const zip = new ZipFile();
    zip.outputStream.pipe(fs.createWriteStream(out));
    for (const { name, directory } of walk()) {
      if (directory) zip.addEmptyDirectory(name);
      else zip.addFile(name, name);
    }
    zip.end();
  },
  jszip(streamFiles = false) {
    const zip = new (require("jszip"))();
    for (const { name, directory, mode } of walk()) {
      if (directory) zip.folder(name);
      else zip.file(name, fs.readFileSync(name), { unixPermissions: mode });
    }
    const options = { type: "nodebuffer", platform: "UNIX", compression: "DEFLATE", streamFiles };
    zip.generateNodeStream(options).pipe(fs.createWriteStream(out));
  },
  "jszip-stream": () => packers.jszip(true),
};

packers[kind]();
