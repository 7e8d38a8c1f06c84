//! Which addresses may be called besides the public ones.

use std::net::IpAddr;

use ipnet::IpNet;

/// Settings of calls to other systems.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct OutboundConfig {
    /// Networks that workflows may call besides the public ones, such as `10.0.0.0/8,fd00::/8,192.168.1.7`, separated by
    /// commas. Whoever may write workflows can reach everything in them
    #[arg(long, env = "TURNLOOM_OUTBOUND_ALLOW", value_delimiter = ',', value_parser = network)]
    pub outbound_allow: Vec<IpNet>,
}

/// A network, or a single address.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let single = || text.parse::<IpAddr>().map(IpNet::from);
    let network = text.parse::<IpNet>().or_else(|_| single());
    network.map(|network| network.trunc()).map_err(|_| "neither a network nor an address".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        outbound: OutboundConfig,
    }

    #[test]
    fn networks_and_addresses_are_read() {
        let read = |text: &str| Command::try_parse_from(["x", "--outbound-allow", text]);
        let networks = read("10.1.2.3/8, fd00::/8,192.168.1.7").unwrap().outbound.outbound_allow;
        let shown: Vec<String> = networks.iter().map(IpNet::to_string).collect();
        assert_eq!(shown, ["10.0.0.0/8", "fd00::/8", "192.168.1.7/32"]);
        for bad in ["10.0.0.0/33", "localhost", "10.0.0"] {
            assert!(read(bad).unwrap_err().to_string().contains("--outbound-allow"), "{bad}");
        }
    }
}
