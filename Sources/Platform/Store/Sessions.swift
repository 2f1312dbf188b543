/// A login. The database knows only the digest of what the browser holds.
package struct SessionRow: Sendable, Hashable {
    package var digest: [UInt8]
    /// The user's id.
    package var holder: String
    package var createdAt: Milliseconds
    package var expiresAt: Milliseconds
    package var usedAt: Milliseconds
    package var address: String
    package var agent: String

    package init(
        digest: [UInt8], holder: String, createdAt: Milliseconds, expiresAt: Milliseconds, address: String,
        agent: String
    ) {
        self.digest = digest
        self.holder = holder
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        usedAt = createdAt
        self.address = address
        self.agent = agent
    }

    static let columns = "digest, holder, created_at, expires_at, used_at, address, agent"

    init(_ row: SQLRow) throws(StoreError) {
        self.init(
            digest: try row.blob(0), holder: try row.text(1), createdAt: try row.int(2), expiresAt: try row.int(3),
            address: try row.text(5), agent: try row.text(6))
        usedAt = try row.int(4)
    }
}

/// A key for programs: like a session it is known by its digest only.
package struct TokenRow: Sendable, Hashable {
    package var id: String
    package var digest: [UInt8]
    package var name: String
    package var createdBy: String
    package var createdAt: Milliseconds
    package var expiresAt: Milliseconds
    package var usedAt: Milliseconds?
    package var isRevoked: Bool

    package init(
        id: String, digest: [UInt8], name: String, createdBy: String, createdAt: Milliseconds, expiresAt: Milliseconds
    ) {
        self.id = id
        self.digest = digest
        self.name = name
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        isRevoked = false
    }

    static let columns = "id, digest, name, created_by, created_at, expires_at, used_at, revoked"

    init(_ row: SQLRow) throws(StoreError) {
        self.init(
            id: try row.text(0), digest: try row.blob(1), name: try row.text(2), createdBy: try row.text(3),
            createdAt: try row.int(4), expiresAt: try row.int(5))
        usedAt = try row.optionalInt(6)
        isRevoked = try row.bool(7)
    }
}

extension SQLConnection {
    package func add(_ session: SessionRow) throws(StoreError) {
        try insert(
            into: "sessions", SessionRow.columns.split(separator: ", ").map(String.init),
            [
                [
                    .blob(session.digest), .text(session.holder), .int(session.createdAt), .int(session.expiresAt),
                    .int(session.usedAt), .text(session.address), .text(session.agent),
                ]
            ])
    }

    package func session(_ digest: [UInt8]) throws(StoreError) -> SessionRow? {
        guard let row = try row("SELECT \(SessionRow.columns) FROM sessions WHERE digest = ?", [.blob(digest)]) else {
            return nil
        }
        return try SessionRow(row)
    }

    package func sessions(of holder: String) throws(StoreError) -> [SessionRow] {
        let sql = "SELECT \(SessionRow.columns) FROM sessions WHERE holder = ? ORDER BY created_at, digest"
        var out: [SessionRow] = []
        for row in try rows(sql, [.text(holder)]) { out.append(try SessionRow(row)) }
        return out
    }

    package func touchSession(_ digest: [UInt8], at time: Milliseconds) throws(StoreError) {
        try run("UPDATE sessions SET used_at = ? WHERE digest = ?", [.int(time), .blob(digest)])
    }

    package func endSession(_ digest: [UInt8]) throws(StoreError) {
        try run("DELETE FROM sessions WHERE digest = ?", [.blob(digest)])
    }

    package func endSessions(of holder: String) throws(StoreError) {
        try run("DELETE FROM sessions WHERE holder = ?", [.text(holder)])
    }

    // MARK: Tokens

    package func add(_ token: TokenRow) throws(StoreError) {
        try insert(
            into: "tokens", TokenRow.columns.split(separator: ", ").map(String.init),
            [
                [
                    .text(token.id), .blob(token.digest), .text(token.name), .text(token.createdBy),
                    .int(token.createdAt), .int(token.expiresAt), SQLValue(token.usedAt), SQLValue(token.isRevoked),
                ]
            ])
    }

    package func token(_ digest: [UInt8]) throws(StoreError) -> TokenRow? {
        guard let row = try row("SELECT \(TokenRow.columns) FROM tokens WHERE digest = ?", [.blob(digest)]) else {
            return nil
        }
        return try TokenRow(row)
    }

    package func tokens() throws(StoreError) -> [TokenRow] {
        var out: [TokenRow] = []
        for row in try rows("SELECT \(TokenRow.columns) FROM tokens ORDER BY id") { out.append(try TokenRow(row)) }
        return out
    }

    package func touchToken(_ id: String, at time: Milliseconds) throws(StoreError) {
        try run("UPDATE tokens SET used_at = ? WHERE id = ?", [.int(time), .text(id)])
    }

    package func revokeToken(_ id: String) throws(StoreError) -> Bool {
        try run("UPDATE tokens SET revoked = 1 WHERE id = ? AND revoked = 0", [.text(id)]) > 0
    }
}
