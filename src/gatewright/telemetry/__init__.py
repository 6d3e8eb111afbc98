"""What an operator watches: metrics over all workers, as Prometheus reads them."""
