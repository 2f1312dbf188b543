import Crypto
package import HTTPTypes
package import Store
import Synchronization

/// Finds out who asks: a session's cookie or a token.
package struct Authenticator: Sendable {
    static let sessionLife = 12 * 3_600_000
    static let sessionIdle = 2 * 3_600_000
    static let tokenPrefix = "mlt_"

    let store: Store
    let now: @Sendable () -> Milliseconds
    /// Known to this program only; makes CSRF tokens from sessions.
    let key: [UInt8]
    let logins = AttemptLimit(most: 8, within: 15 * 60_000)

    init(store: Store, now: @escaping @Sendable () -> Milliseconds, key: [UInt8]) {
        self.store = store
        self.now = now
        self.key = key
    }

    /// Whose request it is; nil for nobody's. Throws when a token is sent that does not hold.
    ///
    /// - Parameter isUse: whether somebody asks for something, which keeps his session from ending.
    package func identity(_ headers: HTTPFields, isSecure: Bool, isUse: Bool = true) async throws -> Identity? {
        if let authorization = headers[.authorization] {
            let parts = authorization.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer" else { throw HubProblem.unauthenticated }
            return try await token(String(parts[1]), isUse: isUse)
        }
        guard let cookie = Self.cookie(Self.cookieName(isSecure), headers) else { return nil }
        return try await session(cookie, isUse: isUse)
    }

    /// `__Host-` binds a cookie to this host and to TLS; browsers refuse the prefix without TLS.
    static func cookieName(_ isSecure: Bool) -> String { isSecure ? "__Host-martlet" : "martlet" }

    static func cookie(_ name: String, _ headers: HTTPFields) -> String? {
        for field in headers[values: .cookie] {
            for part in field.split(separator: ";") {
                let sides = part.split(separator: "=", maxSplits: 1)
                guard sides.count == 2, sides[0].drop(while: { $0 == " " }) == name else { continue }
                return String(sides[1])
            }
        }
        return nil
    }

    private func token(_ text: String, isUse: Bool) async throws -> Identity {
        let digest = SecretText.digest(text)
        let now = now()
        let found = try await store.read { db -> (TokenRow, Identity)? in
            guard let token = try db.token(digest), !token.isRevoked, token.expiresAt > now else { return nil }
            return (
                token,
                try Identity(
                    id: token.id, name: "token \(token.name)", kind: .token(id: token.id),
                    grants: try db.grants(of: token.id), in: db)
            )
        }
        guard let (token, identity) = found else { throw HubProblem.unauthenticated }
        // When it was used last is told to the minute; not every request writes.
        if isUse, now - (token.usedAt ?? 0) > 60_000 {
            try await store.write { try $0.touchToken(token.id, at: now) }
        }
        return identity
    }

    private func session(_ text: String, isUse: Bool) async throws -> Identity? {
        let digest = SecretText.digest(text)
        let now = now()
        let found = try await store.read { db -> (SessionRow, Identity)? in
            guard let session = try db.session(digest), session.expiresAt > now,
                now - session.usedAt < Self.sessionIdle, let user = try db.user(session.holder), !user.isDisabled
            else { return nil }
            return (session, try self.identity(user, digest, in: db))
        }
        guard let (session, identity) = found else { return nil }
        if isUse, now - session.usedAt > 60_000 { try await store.write { try $0.touchSession(digest, at: now) } }
        return identity
    }

    private func identity(_ user: UserRow, _ session: [UInt8], in db: any SQLConnection) throws -> Identity {
        try Identity(
            id: user.id, name: user.name, kind: .session(digest: session), grants: try db.grants(of: user.id),
            csrf: csrf(session), in: db)
    }

    func csrf(_ digest: [UInt8]) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: digest, using: SymmetricKey(data: key))
        return Base64URL.encode(Array(code))
    }

    // MARK: Logging in

    /// Checks name and password; the new session's secret and who it is.
    package func logIn(
        name: String, password: String, address: String, agent: String
    ) async throws -> (secret: String, identity: Identity) {
        let now = now()
        for key in ["name \(name)", "address \(address)"] {
            if let wait = logins.wait(key, at: now) { throw HubProblem.tooMany(after: wait) }
        }
        let user = try await store.read { try $0.user(named: name) }
        let kept = user?.source == "local" ? user?.password ?? "" : ""
        // Scrypt keeps a core busy for a while: not on a thread that serves others.
        let isRight = await Task.detached { Password.verify(password, against: kept) }.value
        guard isRight, let user, !user.isDisabled else {
            logins.note("name \(name)", at: now)
            logins.note("address \(address)", at: now)
            try await store.write {
                try $0.audit("session.refuse", target: String(name.prefix(200)), by: "nobody", at: now)
            }
            throw HubProblem(.unauthorized, "bad-login", "name or password is wrong")
        }
        return try await open(user, address: address, agent: agent)
    }

    /// Begins a session of somebody who has proved who he is.
    package func open(
        _ user: UserRow, address: String, agent: String
    ) async throws -> (secret: String, identity: Identity) {
        let now = now()
        let secret = SecretText.make(prefix: "mls_")
        let digest = SecretText.digest(secret)
        let session = SessionRow(
            digest: digest, holder: user.id, createdAt: now, expiresAt: now + Self.sessionLife, address: address,
            agent: String(agent.prefix(200)))
        let identity = try await store.write { db in
            try db.add(session)
            try db.noteLogin(of: user.id, at: now)
            try db.audit("session.open", target: user.name, by: user.name, at: now)
            return try self.identity(user, digest, in: db)
        }
        return (secret, identity)
    }

    /// The header that gives the browser its session, or takes it away.
    package static func setCookie(_ secret: String?, isSecure: Bool) -> String {
        let name = cookieName(isSecure)
        let flags = "; Path=/; HttpOnly; SameSite=Lax" + (isSecure ? "; Secure" : "")
        guard let secret else { return "\(name)=; Max-Age=0\(flags)" }
        return "\(name)=\(secret); Max-Age=\(sessionLife / 1000)\(flags)"
    }
}

/// Counts attempts by key within a time; forgets the rest.
package final class AttemptLimit: Sendable {
    private let most: Int
    private let span: Int
    private let attempts = Mutex<[String: [Milliseconds]]>([:])

    package init(most: Int, within span: Int) {
        self.most = most
        self.span = span
    }

    /// Seconds to wait; nil when there is nothing to wait for.
    package func wait(_ key: String, at now: Milliseconds) -> Int? {
        attempts.withLock { attempts in
            guard let times = attempts[key]?.filter({ now - $0 < span }), times.count >= most else { return nil }
            return max(1, (span - (now - times[0])) / 1000)
        }
    }

    package func note(_ key: String, at now: Milliseconds) {
        attempts.withLock { attempts in
            // Keys come from outside: bounded.
            if attempts.count > 10_000 {
                attempts = attempts.filter { $0.value.contains { now - $0 < span } }
                if attempts.count > 10_000 { attempts = [:] }
            }
            attempts[key] = (attempts[key] ?? []).filter { now - $0 < span } + [now]
        }
    }
}
