"""A stand-in for the Customer Portal: its cases, in the GraphQL dialect and in the older hydra."""
