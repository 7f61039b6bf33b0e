import Locks
import Testing

@testable import Terminal

@Suite struct ForgettingTests {
  private let source = ScriptedLedger([
    "/api/v1/users/ada": "{\"end_user_id\":\"ada\",\"traces\":3,\"sessions\":2,\"observations\":9}",
    "DELETE ada": """
    {"end_user_id":"ada","traces":3,"observations":9,"sessions":2,"pseudonym":null,"remains_in_log":false,\
    "copies":["spool: spans under way"]}
    """,
    "DELETE nobody": """
    {"end_user_id":"nobody","traces":0,"observations":0,"sessions":0,"pseudonym":"forgotten-1","remains_in_log":true,\
    "copies":[]}
    """,
  ])

  private func forget(
    _ id: String, _ options: String..., isAttended: Bool = true, reply: String? = nil
  ) throws -> (status: Int32, text: String) {
    let paper = try Paper()
    let command = try LedgerCommand(.users, ["forget", id] + options, now: Screen.now)
    let status = try Forgetting(id, command, source)
      .run(on: .pipe, paper.output, isAttended: isAttended, answer: { reply })
    return (status, paper.text)
  }

  private var erasures: [String] { source.asked.filter { $0.hasPrefix("DELETE") } }

  @Test(arguments: ["y", "Y", "yes"])
  func `who says yes has the user erased, and hears where copies are`(reply: String) throws {
    let (status, text) = try forget("ada", reply: reply)
    #expect(status == 0)
    #expect(
      text == """
        Erased of ada: 3 traces, 2 sessions, 9 observations.
        Spans with that id will be refused.
        Copies may remain where the ledger does not reach:
          spool: spans under way

        """)
  }

  @Test(arguments: ["", "n", "yes please", nil])
  func `anything else erases nothing`(reply: String?) throws {
    #expect(try forget("ada", reply: reply).status == 1)
    #expect(erasures == [])
  }

  @Test func `without a terminal it wants to be sure`() throws {
    #expect(try forget("ada", isAttended: false).status == 2)
    #expect(erasures == [])
    #expect(try forget("ada", "--yes", isAttended: false).status == 0)
    #expect(erasures == ["DELETE ada"])
  }

  @Test func `whoever is unknown is forgotten all the same`() throws {
    let (status, text) = try forget("nobody", reply: "y")
    #expect(status == 0)
    #expect(
      text == """
        The ledger had nothing of nobody.
        Spans with that id will be taken in as those of forgotten-1.
        Somebody is reading the ledger: its files keep some of it until a collector has tried again.

        """)
  }

  @Test func `JSON is the API's`() throws {
    #expect(try forget("ada", "--yes", "--json").text.hasPrefix("{\"end_user_id\":\"ada\","))
  }
}
