import Exporters
import Foundation
import OTLP
import SelfTelemetry
import Spool
import TestSupport
import Testing

/// Disks that are full, files that vanish, and what a killed process left.
@Suite(.serialized) struct FileFailureTests {
  /// Lets `body` run while no file of this process can grow beyond `size` bytes.
  private func withFileSizeLimit(_ size: Int, _ body: () throws -> Void) throws {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    let before = limit
    limit.rlim_cur = rlim_t(size)
    #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
    defer {
      limit = before
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    }
    try body()
  }

  /// Gives the file holes up to almost `size`, and a line feed at its end, so that the limit concerns no other file.
  private func fillWithHoles(_ path: String, _ size: Int) throws {
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.seek(toOffset: UInt64(size - 1))
    try file.write(contentsOf: Data("\n".utf8))
    try file.close()
  }

  private func tail(_ path: String, from offset: Int) throws -> String {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    try file.seek(toOffset: UInt64(offset))
    return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
  }

  @Test func `what a full disk does not take is not settled, and the pipeline waits for room`() throws {
    let fixture = try FileFixture()
    let exporter = try fixture.exporter(path: "/dev/full", durability: .buffered) {
      $0.queueSize = 3
      $0.flushInterval = .zero
    }
    var watched: [WatchedRequest] = []
    while !exporter.isFull, watched.count < 1000 {
      watched.append(WatchedRequest(SampleRequest.make(spans: 2)))
      #expect(exporter.export(watched[watched.count - 1].request))
    }
    #expect(exporter.isFull && exporter.blocksOnOverflow)
    exporter.drain(until: 0)
    #expect(watched.allSatisfy { !$0.isSettled })
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 0)
    // What the disk refuses may be told after it.
    #expect(fixture.lines.all.contains { $0.contains("kept for the next start") })
  }

  @Test func `a disk that is full leaves whole lines only, and gets the rest when there is room again`() throws {
    let fixture = try FileFixture()
    let holes = 1 << 30
    try fillWithHoles(fixture.path, holes)
    let requests = (0..<20).map { _ in SampleRequest.make() }
    let line = FileFixture.line(requests[0])
    let exporter = try fixture.exporter {
      $0.append = true
      $0.flushInterval = .milliseconds(1)
    }
    // Room for three lines and a part of the fourth.
    try withFileSizeLimit(holes + 3 * line.utf8.count + 5) {
      for request in requests { #expect(exporter.export(request)) }
      #expect(fixture.lines.wait(count: 1).first?.contains("cannot write") == true)
      #expect(eventually { fixture.metric("otelcol_exporter_sent_spans") == 3 })
      let text = try tail(fixture.path, from: holes)
      #expect(text == String(repeating: line, count: 3))
    }
    #expect(eventually { fixture.metric("otelcol_exporter_sent_spans") == 20 })
    #expect(try tail(fixture.path, from: holes) == String(repeating: line, count: 20))
    #expect(fixture.lines.all.contains { $0.contains("works again") })
    #expect(fixture.metric("heirloom_exporter_write_errors") ?? 0 >= 1)
    exporter.drain()
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 0)
  }

  @Test func `while nothing can be written requests wait, then are refused, then are given up and counted`() throws {
    let fixture = try FileFixture()
    let exporter = try fixture.exporter(path: "/dev/full") {
      $0.flushInterval = .zero
      $0.queueSize = 5
    }
    var accepted = 0
    while !exporter.isFull || accepted < 6 { if exporter.export(SampleRequest.make()) { accepted += 1 } }
    #expect(eventually { fixture.lines.all.contains { $0.contains("No space left") } })
    #expect(!exporter.export(SampleRequest.make(spans: 100)))
    #expect(fixture.metric("otelcol_exporter_enqueue_failed_spans") ?? 0 >= 100)
    exporter.drain()
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 0)
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == Double(accepted))
    #expect(fixture.lines.all.contains { $0.contains("stopped before") && $0.contains("spans=\(accepted)") })
  }

  @Test func `a file or directory that was removed or renamed is made anew`() throws {
    let fixture = try FileFixture()
    let directory = fixture.directory + "/sub"
    let path = directory + "/spans.jsonl"
    let exporter = try fixture.exporter(path: path) {
      $0.createDirectory = true
      $0.flushInterval = .zero
    }
    func write(_ count: Int) {
      #expect(exporter.export(SampleRequest.make()))
      #expect(eventually { fixture.metric("otelcol_exporter_sent_spans") == Double(count) })
    }
    let line = FileFixture.line(SampleRequest.make())
    write(1)
    try FileManager.default.moveItem(atPath: path, toPath: fixture.directory + "/moved")
    write(2)
    #expect(try fixture.text(fixture.directory + "/moved") == line)
    #expect(try fixture.text(path) == line)
    try FileManager.default.removeItem(atPath: directory)
    write(3)
    #expect(try fixture.text(path) == line)
    exporter.drain()
  }

  @Test func `a file that was moved away before its rotation is begun anew`() throws {
    let fixture = try FileFixture()
    let exporter = try fixture.exporter {
      $0.format = .proto
      $0.flushInterval = .zero
      $0.rotation = FileRotationConfiguration()
      $0.rotation?.maxMegabytes = 1
    }
    let size = 600 << 10
    #expect(exporter.export(SampleRequest.opaque(byteCount: size)))
    #expect(eventually { fixture.metric("otelcol_exporter_sent_spans") == 1 })
    try FileManager.default.moveItem(atPath: fixture.path, toPath: fixture.directory + "/moved")
    // The file would be too large for this one.
    exporter.write([SampleRequest.opaque(byteCount: size)])
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 2)
    #expect(try fixture.names() == ["moved", "spans.jsonl"])
  }

  @Test func `a directory that is missing for a while delays, and loses nothing`() throws {
    let fixture = try FileFixture()
    let directory = fixture.directory + "/sub"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    let exporter = try fixture.exporter(path: directory + "/spans.jsonl") { $0.flushInterval = .zero }
    try FileManager.default.removeItem(atPath: directory)
    #expect(exporter.export(SampleRequest.make()))
    #expect(fixture.lines.wait(count: 2).contains { $0.contains("No such file") })
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    #expect(eventually { fixture.metric("otelcol_exporter_sent_spans") == 1 })
    exporter.drain()
    #expect(try fixture.text(directory + "/spans.jsonl") == FileFixture.line(SampleRequest.make()))
  }

  @Test(arguments: [
    ("", ""), ("{\"a\":[]}\n", "{\"a\":[]}\n"), ("{\"a\":[]}\n{\"b\":[1", "{\"a\":[]}\n"), ("{\"b\":[1", ""),
    ("{\"a\":[]}\n{\"b\":[1]}", "{\"a\":[]}\n{\"b\":[1]}\n"), ("somebody's notes", "somebody's notes\n"),
    ("{\"a\":[]}\n{\"b\":[{\"c\":[]}", "{\"a\":[]}\n"), ("{\"a\":[]}\n{\"b\":\"\\\"]}", "{\"a\":[]}\n"),
    ("{\"a\":[\"\\\\\",\"{[\"]}", "{\"a\":[\"\\\\\",\"{[\"]}\n"),
  ])
  func `a line that a killed process left unfinished is cut off, and nothing else`(before: String, kept: String) throws
  {
    let fixture = try FileFixture()
    try before.write(toFile: fixture.path, atomically: false, encoding: .utf8)
    try fixture.exporter { $0.append = true }.write([SampleRequest.make()])
    #expect(try fixture.text() == kept + FileFixture.line(SampleRequest.make()))
  }

  @Test func `an unfinished line of any length is found`() throws {
    let fixture = try FileFixture()
    let whole = "{\"a\":[]}\n"
    try (whole + "{" + String(repeating: "x", count: 200_000)).write(
      toFile: fixture.path, atomically: false, encoding: .utf8)
    try fixture.exporter { $0.append = true }.write([SampleRequest.make()])
    #expect(try fixture.text() == whole + FileFixture.line(SampleRequest.make()))
  }

  @Test func `a frame that a killed process left unfinished is cut off`() throws {
    let request = SampleRequest.make()
    let frame = withUnsafeBytes(of: UInt32(request.byteCount).bigEndian) { Array($0) } + request.bytes
    for end in 1..<frame.count {
      let fixture = try FileFixture()
      let path = fixture.path
      try Data(frame + frame + frame[..<end]).write(to: URL(fileURLWithPath: path))
      try fixture.exporter {
        $0.append = true
        $0.format = .proto
      }.write([request])
      #expect(FileManager.default.contents(atPath: path) == Data(frame + frame + frame))
    }
  }

  @Test func `a file of another kind is put aside, not destroyed`() throws {
    let fixture = try FileFixture()
    try "{\"a\":[]}\n".write(toFile: fixture.path, atomically: false, encoding: .utf8)
    try fixture.exporter {
      $0.append = true
      $0.format = .proto
    }.write([SampleRequest.make()])
    let names = try fixture.names()
    #expect(names.count == 2)
    #expect(try fixture.text(fixture.directory + "/" + names[0]) == "{\"a\":[]}\n")
    #expect(FileManager.default.contents(atPath: fixture.path)?.count == SampleRequest.make().byteCount + 4)
  }

  @Test func `a pipe is written to, and one that nobody reads any more is an error`() throws {
    let fixture = try FileFixture()
    let pipe = Pipe()
    let exporter = try fixture.exporter(path: "/proc/self/fd/\(pipe.fileHandleForWriting.fileDescriptor)") {
      $0.flushInterval = .zero
    }
    try pipe.fileHandleForWriting.close()
    #expect(exporter.export(SampleRequest.make()))
    let line = FileFixture.line(SampleRequest.make())
    #expect(String(decoding: pipe.fileHandleForReading.readData(ofLength: line.utf8.count), as: UTF8.self) == line)
    try pipe.fileHandleForReading.close()
    #expect(exporter.export(SampleRequest.make()))
    #expect(fixture.lines.wait(count: 1).first?.contains("Broken pipe") == true)
    exporter.drain()
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 1)
  }
}
