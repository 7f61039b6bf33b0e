package import Foundation

/// A Python that has opentelemetry-proto: HEIRLOOM_TEST_PYTHON, or the package's own virtual environment.
package enum OraclePython {
  private static let package = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  package static let path: String? = {
    if let chosen = ProcessInfo.processInfo.environment["HEIRLOOM_TEST_PYTHON"] { return chosen }
    let own = package.appending(path: ".venv/bin/python").path
    return FileManager.default.isExecutableFile(atPath: own) ? own : nil
  }()

  /// Why a test does not run without one.
  package static let requirement =
    "needs a Python with opentelemetry-proto: set HEIRLOOM_TEST_PYTHON or make .venv in the package"

  private struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// What a script of the package writes, given that input.
  package static func run(_ script: String, _ arguments: [String], input: Data = Data()) throws -> Data {
    guard let path else { throw Failure(description: requirement) }
    // A file, since nobody reads the output while the input is being written.
    let inputFile = URL.temporaryDirectory.appending(path: "oracle-\(UUID().uuidString)")
    try input.write(to: inputFile)
    defer { try? FileManager.default.removeItem(at: inputFile) }
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = [package.appending(path: script).path] + arguments
    process.standardInput = try FileHandle(forReadingFrom: inputFile)
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(description: "\(script) failed; see its message above") }
    return bytes
  }
}
