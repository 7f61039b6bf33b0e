import Configuration
import Testing

@Suite struct ScalarTests {
  @Test(
    arguments: [
      ("true", true), ("True", true), ("FALSE", false), ("~", nil), ("null", nil), ("NULL", nil),
      ("8", 8), ("-8", -8), ("+8", 8), ("0", 0), ("0x1F", 31), ("0o17", 15), ("017", 15), ("0b101", 5), ("1_000", 1000),
      ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
      ("9223372036854775808", 9.223372036854775808e18),
      ("1.5", 1.5), ("-.5", -0.5), ("1.", 1.0), ("1e3", 1000.0), ("1E-2", 0.01), (".inf", .double(.infinity)),
      ("089", 89.0),
      ("yes", "yes"), ("off", "off"), ("tRUE", "tRUE"), ("abc", "abc"), ("0-5", "0-5"), ("0.5", 0.5), ("0:30", "0:30"),
      ("1.2.3", "1.2.3"), ("127.0.0.1:4318", "127.0.0.1:4318"), ("5s", "5s"), ("0x", "0x"), ("0xg", "0xg"),
      ("--1", "--1"),
      ("+", "+"), (".", "."), ("e5", "e5"), ("1e", "1e"), ("inf", "inf"), ("nan", "nan"), ("0x1p3", "0x1p3"),
      ("-0x-1", "-0x-1"),
      ("2024-01-02", "2024-01-02"), ("'8'", "8"), ("\"true\"", "true"), ("''", ""), ("!!str 8", "8"), ("! 8", "8"),
      ("!!int \"8\"", 8), ("!!float 8", 8), ("!!bool yes", "yes"), ("!!null ''", nil), ("|\n  8", "8"),
    ] as [(String, Value)])
  func `gives each way of writing its type`(text: String, value: Value) throws {
    #expect(Value(try #require(try parse("k: \(text)")["k"])) == value)
  }

  @Test(
    arguments: [
      ("200ms", .milliseconds(200)), ("1m30s", .seconds(90)), ("1h", .seconds(3600)), ("0", .zero), ("0s", .zero),
      ("-2s", .seconds(-2)), ("+2s", .seconds(2)), ("1.5h", .seconds(5400)), (".5s", .milliseconds(500)),
      ("1.s", .seconds(1)), ("100us", .microseconds(100)), ("100µs", .microseconds(100)), ("100μs", .microseconds(100)),
      ("3ns", .nanoseconds(3)), ("0.3ms", .microseconds(300)), ("1.123456789s", .nanoseconds(1_123_456_789)),
      ("1.9ns", .nanoseconds(1)), ("2562047h", .seconds(2_562_047 * 3600)), ("\"0\"", .zero), ("0.0", .zero),
      ("5", nil), ("\"5\"", nil), ("5 s", nil), ("s", nil), (".s", nil), ("\"\"", nil), ("\"-\"", nil), ("1d", nil),
      ("1s2", nil), ("1..s", nil), ("9223372037s", nil), ("2562048h", nil), ("99999999999999999999ns", nil),
      ("5s-", nil), ("[5s]", nil), ("1.5", nil), ("true", nil),
    ] as [(String, Duration?)])
  func `reads durations in Go's notation`(text: String, duration: Duration?) throws {
    #expect(try #require(try parse("k: \(text)")["k"]).duration == duration)
  }

  @Test(
    arguments: [("1e6", 1_000_000), ("8.0", 8), ("8", 8), ("8.5", nil), ("1e30", nil), (".inf", nil), ("'8'", nil)]
      as [(String, Int?)])
  func `takes a number without a fraction as a whole one`(text: String, number: Int?) throws {
    #expect(try #require(try parse("k: \(text)")["k"]).int == number)
  }

  @Test(
    arguments: [("yes", true), ("On", true), ("no", false), ("OFF", false), ("'yes'", nil), ("y", nil), ("1", nil)]
      as [(String, Bool?)])
  func `takes the older truth words where a truth value is asked for`(text: String, value: Bool?) throws {
    #expect(try #require(try parse("k: \(text)")["k"]).bool == value)
  }
}
