"""Training one network: configuration, device, fitting, baselines."""
