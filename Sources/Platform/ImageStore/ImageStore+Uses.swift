package import Foundation
import GRDB

/// A workload that runs an image.
package struct ImageUse: Sendable, Hashable {
    /// Empty for manifests.
    package var cluster: String
    package var digest: String
    /// API group of the workload.
    package var group: String
    package var kind: String
    package var namespace: String
    package var name: String
    package var container: String
    /// As the manifest writes the image.
    package var reference: String
    /// Who answers for the workload, where labels or annotations tell.
    package var owner: String?
    package var seen: Date

    package init(
        cluster: String, digest: String, group: String, kind: String, namespace: String, name: String,
        container: String, reference: String, owner: String? = nil, seen: Date
    ) {
        self.cluster = cluster
        self.digest = digest
        self.group = group
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.container = container
        self.reference = reference
        self.owner = owner
        self.seen = seen
    }

    /// `shop/Deployment/web`
    package var workload: String { (namespace.isEmpty ? "" : "\(namespace)/") + "\(kind)/\(name)" }
}

/// Who runs what: so that an advisory leads to people.
extension ImageStore {
    /// What a cluster runs now, in place of what it ran before.
    package func replaceUses(_ uses: [ImageUse], ofCluster cluster: String) throws(ImageStoreError) {
        try write("write to") { db in
            try db.execute(sql: "DELETE FROM image_use WHERE cluster = ?", arguments: [cluster])
            let insert = try db.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO image_use
                    (cluster, digest, apigroup, kind, namespace, name, container, reference, owner, seen)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """)
            for use in uses {
                try insert.execute(arguments: [
                    cluster, use.digest, use.group, use.kind, use.namespace, use.name, use.container, use.reference,
                    use.owner, use.seen.timeIntervalSince1970,
                ])
            }
        }
    }

    /// Who runs the image, in the order of clusters and names.
    package func uses(digest: String) throws(ImageStoreError) -> [ImageUse] {
        try read("read") { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT cluster, digest, apigroup, kind, namespace, name, container, reference, owner, seen
                    FROM image_use WHERE digest = ? ORDER BY cluster, namespace, kind, name, container
                    """)
            return try Row.fetchAll(statement, arguments: [digest]).map { row in
                ImageUse(
                    cluster: row[0], digest: row[1], group: row[2], kind: row[3], namespace: row[4], name: row[5],
                    container: row[6], reference: row[7], owner: row[8], seen: Date(timeIntervalSince1970: row[9]))
            }
        }
    }

    /// What is stored of each image, without its packages: digest, name, day, number of packages.
    package func summaries() throws(ImageStoreError) -> [ImageSummary] {
        try read("read") { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT image.digest, image.reference, image.distribution, image.stored, image.packages,
                        (SELECT COUNT(*) FROM image_use WHERE image_use.digest = image.digest)
                    FROM image ORDER BY image.reference, image.digest
                    """
            ).map { row in
                let distribution: String? = row[2]
                return ImageSummary(
                    digest: row[0], reference: row[1],
                    distribution: distribution.flatMap(PackageText.distribution)?.title ?? "",
                    stored: Date(timeIntervalSince1970: row[3]), packages: row[4], uses: row[5])
            }
        }
    }
}

/// A line of the list of stored images.
package struct ImageSummary: Sendable, Equatable {
    package var digest: String
    package var reference: String
    package var distribution: String
    package var stored: Date
    package var packages: Int
    package var uses: Int
}
