import Hummingbird
import HummingbirdHTTP2
import HummingbirdTLS
import X509
import KubernetesClient
enum X {}
