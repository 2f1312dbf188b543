/// Somebody who may log in.
package struct UserRow: Sendable, Hashable {
    package var id: String
    package var name: String
    /// `local`, or the issuer of an OpenID provider.
    package var source: String
    /// The password's scrypt form; empty for who logs in elsewhere.
    package var password: String
    package var isDisabled: Bool
    package var createdAt: Milliseconds
    package var loginAt: Milliseconds?

    package init(
        id: String, name: String, source: String = "local", password: String, isDisabled: Bool = false,
        createdAt: Milliseconds
    ) {
        self.id = id
        self.name = name
        self.source = source
        self.password = password
        self.isDisabled = isDisabled
        self.createdAt = createdAt
    }

    static let columns = "id, name, source, password, disabled, created_at, login_at"

    init(_ row: SQLRow) throws(StoreError) {
        self.init(
            id: try row.text(0), name: try row.text(1), source: try row.text(2), password: try row.text(3),
            isDisabled: try row.bool(4), createdAt: try row.int(5))
        loginAt = try row.optionalInt(6)
    }
}

extension SQLConnection {
    /// Adds a user; `StoreError.taken` when the name is.
    package func add(_ user: UserRow) throws(StoreError) {
        try insert(
            into: "users", UserRow.columns.split(separator: ", ").map(String.init),
            [
                [
                    .text(user.id), .text(user.name), .text(user.source), .text(user.password),
                    SQLValue(user.isDisabled), .int(user.createdAt), SQLValue(user.loginAt),
                ]
            ])
    }

    package func user(named name: String) throws(StoreError) -> UserRow? {
        guard let row = try row("SELECT \(UserRow.columns) FROM users WHERE name = ?", [.text(name)]) else {
            return nil
        }
        return try UserRow(row)
    }

    package func user(_ id: String) throws(StoreError) -> UserRow? {
        guard let row = try row("SELECT \(UserRow.columns) FROM users WHERE id = ?", [.text(id)]) else { return nil }
        return try UserRow(row)
    }

    package func users(after name: String = "", limit: Int = 10_000) throws(StoreError) -> [UserRow] {
        let sql = "SELECT \(UserRow.columns) FROM users WHERE name > ? ORDER BY name LIMIT ?"
        var out: [UserRow] = []
        for row in try rows(sql, [.text(name), .int(limit)]) { out.append(try UserRow(row)) }
        return out
    }

    package func setPassword(of user: String, _ password: String) throws(StoreError) {
        try run("UPDATE users SET password = ? WHERE id = ?", [.text(password), .text(user)])
    }

    package func setDisabled(_ isDisabled: Bool, user: String) throws(StoreError) {
        try run("UPDATE users SET disabled = ? WHERE id = ?", [SQLValue(isDisabled), .text(user)])
        if isDisabled { try endSessions(of: user) }
    }

    package func noteLogin(of user: String, at time: Milliseconds) throws(StoreError) {
        try run("UPDATE users SET login_at = ? WHERE id = ?", [.int(time), .text(user)])
    }

    @discardableResult
    package func removeUser(_ id: String) throws(StoreError) -> Bool {
        try endSessions(of: id)
        try run("DELETE FROM grants WHERE holder = ?", [.text(id)])
        return try run("DELETE FROM users WHERE id = ?", [.text(id)]) > 0
    }
}
